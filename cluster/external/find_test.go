package external

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/idemcheck/idemcheck/cluster"
)

// served is a certificate for 127.0.0.1 that signs itself.
func served(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}},
		strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})), "\n", `\n`)
}

func TestAClusterIsFoundThroughTLSAndEveryMechanism(t *testing.T) {
	server, ca := served(t)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			fake, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.EnableSASL(), kfake.Superuser(mechanism, "u", "p"), kfake.TLS(server),
				kfake.SeedTopics(1, "others"))
			if err != nil {
				t.Fatal(err)
			}
			defer fake.Close()
			text := "security.protocol=SASL_SSL\nsasl.username=u\nssl.truststore.certificates=" + ca + "\nsasl.mechanism=" + mechanism + "\nsasl.password="
			s, err := config(t, text+"p\n")
			if err != nil {
				t.Fatal(err)
			}
			c, err := Find(t.Context(), Config{Bootstrap: []string{"127.0.0.1:1", fake.ListenAddrs()[1]}, Security: s})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			if got := c.Facts(); len(got.Brokers) != 3 || got.Kind != Kind || !strings.HasPrefix(got.Kafka, "like Kafka ") {
				t.Errorf("facts %+v", got)
			}
			admin, err := cluster.NewAdmin(c) // speaks plain Kafka on what Dial returns
			if err != nil {
				t.Fatal(err)
			}
			defer admin.Close()
			if err := admin.Whole(t.Context()); err != nil {
				t.Error(err)
			}
			wrong, err := config(t, text+"wrong-one\n")
			if err != nil {
				t.Fatal(err)
			}
			_, err = Find(t.Context(), Config{Bootstrap: fake.ListenAddrs(), Security: wrong})
			if err == nil || !strings.Contains(err.Error(), `as user "u"`) || strings.Contains(err.Error(), "wrong-one") {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

func TestCertificatesAreHeldAgainstNamesUnlessTheConfigSaysOtherwise(t *testing.T) {
	server, ca := served(t)
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(server))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	for lines, says := range map[string]string{
		"ssl.truststore.certificates=" + ca:                                                                                       "",
		"ssl.truststore.certificates=" + ca + "\nidemcheck.tls.server.name=kafka.example":                                         "kafka.example",
		"ssl.truststore.certificates=" + ca + "\nidemcheck.tls.server.name=kafka.example\nssl.endpoint.identification.algorithm=": "",
		"ssl.endpoint.identification.algorithm=":                                                                                  "unknown authority",
		"":                                                                                                                        "unknown authority",
		"idemcheck.tls.insecure.skip.verify=true":                                                                                 "",
	} {
		s, err := config(t, "security.protocol=SSL\n"+lines+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(lines, "skip.verify") != strings.Contains(s.String(), "NOT verified") {
			t.Errorf("%q is described as %q", lines, s)
		}
		c, err := Find(t.Context(), Config{Bootstrap: fake.ListenAddrs(), Security: s})
		if err == nil {
			c.Close(context.Background())
		}
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", lines, err, says)
		}
	}
}

func TestWhatIsNotKafkaIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("SSH-2.0-something\r\n"))
			c.Close()
		}
	}()
	if _, err := Find(t.Context(), Config{Bootstrap: []string{l.Addr().String()}}); err == nil || !strings.Contains(err.Error(), "not Kafka") {
		t.Error(err)
	}
}

func TestOnlyTheTopicsOfTheHarnessCountWhenItSaysSo(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(1, "others"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	c, err := Find(t.Context(), Config{Bootstrap: fake.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	admin, err := cluster.NewAdmin(c)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	admin.OwnTopicsOnly()
	for range 2 { // with no topic, and with one
		if err := admin.Whole(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.CreateTopic(t.Context(), "own", 2, 2, nil); err != nil {
			break
		}
	}
	if own := admin.OwnTopics(); len(own) != 1 || own[0] != "own" {
		t.Errorf("%v", own)
	}
	if err := admin.DeleteTopic(t.Context(), "own"); err != nil || len(admin.OwnTopics()) != 0 {
		t.Errorf("%v, %v", admin.OwnTopics(), err)
	}
	if err := admin.DeleteTopic(t.Context(), "own"); err != nil {
		t.Errorf("deleted again: %v", err)
	}
}
