package external

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
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
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: rand.Text()}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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

// keystore is a file of a certificate and its key.
func keystore(t *testing.T, of *tls.Config) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(of.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: of.Certificates[0].Certificate[0]})...)
	file := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAClientIsKnownByItsCertificate(t *testing.T) {
	server, ca := served(t)
	stranger, _ := served(t)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(strings.ReplaceAll(ca, `\n`, "\n")))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} { // refuses in the handshake, and after it
		for _, sasl := range []bool{false, true} {
			wants := server.Clone()
			wants.ClientAuth, wants.ClientCAs, wants.MaxVersion = tls.RequireAndVerifyClientCert, trusted, version
			options := []kfake.Opt{kfake.NumBrokers(1), kfake.TLS(wants)}
			lines := "security.protocol=SSL\n"
			if sasl {
				options = append(options, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"))
				lines = "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=p\n"
			}
			fake, err := kfake.NewCluster(options...)
			if err != nil {
				t.Fatal(err)
			}
			defer fake.Close()
			for store, says := range map[string]string{
				"ssl.keystore.location=" + keystore(t, server):   "",
				"ssl.keystore.location=" + keystore(t, stranger): "unknown certificate authority (does the broker trust the authority that signed the certificate of ssl.keystore.location?)",
				"": "does this listener want a client's certificate? name it, and its key, with ssl.keystore.location",
			} {
				s, err := config(t, lines+"ssl.truststore.certificates="+ca+"\n"+store+"\n")
				if err != nil {
					t.Fatal(err)
				}
				c, err := Find(t.Context(), Config{Bootstrap: fake.ListenAddrs(), Security: s})
				if err == nil {
					c.Close(context.Background())
				}
				if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("%s, SASL %t, %q: %v, want %q", tls.VersionName(version), sasl, store, err, says)
				}
			}
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
