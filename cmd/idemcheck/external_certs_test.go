package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are files in PEM, as Kafka reads them: a key and the chain of its
// certificate in one.
type certificates struct {
	ca       string // of the authority that signed the brokers' and the client's
	client   string // the client's
	stranger string // a client's, signed by an authority that brokers do not know
}

// newCertificates makes them, and in the same directory one for each broker,
// called by its id.
func newCertificates(t *testing.T, dir, subnet string) certificates {
	t.Helper()
	must(t, os.Chmod(dir, 0o755)) // brokers do not run as the user of the test
	own, other := newAuthority(t, "authority"), newAuthority(t, "another authority")
	c := certificates{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "client.pem"), filepath.Join(dir, "stranger.pem")}
	must(t, os.WriteFile(c.ca, own.pem(), 0o644))
	must(t, os.WriteFile(c.client, own.sign(t, "client", nil), 0o644))
	must(t, os.WriteFile(c.stranger, other.sign(t, "client", nil), 0o644))
	for _, id := range foreignIDs {
		address := net.ParseIP(fmt.Sprintf("%s%d", subnet, id))
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.pem", id)), own.sign(t, fmt.Sprintf("broker %d", id), address), 0o644))
	}
	return c
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	template := certificateOf(name)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	signed, err := x509.ParseCertificate(raw)
	must(t, err)
	return authority{signed, key}
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// sign makes a key and its certificate, for an address if there is one.
func (a authority) sign(t *testing.T, name string, address net.IP) []byte {
	t.Helper()
	template := certificateOf(name)
	if address != nil {
		template.IPAddresses = []net.IP{address}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
	return append(text, a.pem()...)
}

func certificateOf(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
