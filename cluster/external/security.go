package external

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security is how to speak to a cluster. Nothing that formats or encodes it
// shows a password or a key.
type Security struct {
	bootstrap []string

	protocol  string // PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
	mechanism string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	username  string
	password  secret

	caFile, caPEM                   string
	certificateFile, certificatePEM string
	keyFile                         string
	keyPEM                          secret
	serverName                      string
	anyName                         bool // a certificate may be for any name
	insecure                        bool // certificates are not verified at all

	tls *tls.Config // nil: no TLS
}

// Bootstrap lists the addresses that the file of client properties names.
func (s *Security) Bootstrap() []string { return s.bootstrap }

// String says in words how connections are made, without any secret.
func (s Security) String() string {
	words := s.protocol
	if s.sasl() {
		words += ", " + s.mechanism
	}
	if s.tls != nil && s.insecure {
		words += ", certificates NOT verified"
	}
	return words
}

// Format lets every verb of fmt print what String says, and no field.
func (s Security) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

func (s Security) sasl() bool { return strings.HasPrefix(s.protocol, "SASL_") }

// check fills in defaults, finds what is missing, and loads the certificates.
func (s *Security) check() error {
	protocols := []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}
	if s.protocol = strings.ToUpper(s.protocol); s.protocol == "" {
		s.protocol = protocols[0]
		if s.mechanism != "" || s.username != "" || s.password != "" {
			return errors.New("security.protocol is missing: with SASL credentials want SASL_SSL or SASL_PLAINTEXT")
		}
	}
	if !slices.Contains(protocols, s.protocol) {
		return fmt.Errorf("security.protocol %q: want one of %s", s.protocol, strings.Join(protocols, ", "))
	}
	if s.sasl() {
		mechanisms := []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
		if !slices.Contains(mechanisms, s.mechanism) {
			return fmt.Errorf("sasl.mechanism %q: want one of %s", s.mechanism, strings.Join(mechanisms, ", "))
		}
		if s.username == "" || s.password == "" {
			return fmt.Errorf("%s needs a user and a password: sasl.jaas.config, or sasl.username and sasl.password, or the environment variables %s and %s",
				s.protocol, EnvUsername, EnvPassword)
		}
	}
	if s.protocol == "SSL" || s.protocol == "SASL_SSL" {
		return s.loadTLS()
	}
	return nil
}

// loadTLS reads certificates and key.
func (s *Security) loadTLS() error {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.serverName, InsecureSkipVerify: s.insecure}
	authorities, err := fileOr(s.caFile, s.caPEM)
	if err != nil {
		return fmt.Errorf("ssl.truststore.location: %w", err)
	}
	if authorities != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(authorities) {
			return fmt.Errorf("ssl.truststore.location: there is no PEM certificate in it (JKS and PKCS12 stores cannot be read here: keytool -exportcert -rfc writes PEM)")
		}
	}
	chain, err := fileOr(s.certificateFile, s.certificatePEM)
	if err != nil {
		return fmt.Errorf("ssl.keystore.location: %w", err)
	}
	key, err := fileOr(s.keyFile, string(s.keyPEM))
	if err != nil {
		return fmt.Errorf("ssl key: %w", err)
	}
	switch {
	case (chain == nil) != (key == nil):
		return errors.New("a client certificate needs its key, and a key its certificate")
	case chain != nil:
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			return fmt.Errorf("client certificate: %w", err) // crypto/tls never quotes what it read
		}
		// Sent whatever authorities the broker names: else the broker would say that
		// there was none, and not what is wrong with it.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if s.anyName && !s.insecure {
		// The chain is verified and the name is not: TLS has no switch for that.
		roots := c.RootCAs
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error {
			between := x509.NewCertPool()
			for _, cert := range state.PeerCertificates[1:] {
				between.AddCert(cert)
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
			return err
		}
	}
	s.tls = c
	return nil
}

// fileOr reads a file, or takes the text; nil when there is neither.
func fileOr(path, text string) ([]byte, error) {
	if path != "" {
		return os.ReadFile(path)
	}
	if text != "" {
		return []byte(text), nil
	}
	return nil, nil
}

// credentials returns the SASL mechanism.
func (s *Security) credentials() sasl.Mechanism {
	switch s.mechanism {
	case "PLAIN":
		return plain.Auth{User: s.username, Pass: string(s.password)}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: s.username, Pass: string(s.password)}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: s.username, Pass: string(s.password)}.AsSha512Mechanism()
	}
	panic(fmt.Sprintf("external: impossible SASL mechanism %q", s.mechanism))
}

// redact takes secrets out of a text that others made, such as a hook's output.
func (s *Security) redact(text string) string {
	for _, hidden := range []secret{s.password, s.keyPEM} {
		if hidden != "" {
			text = strings.ReplaceAll(text, string(hidden), hidden.String())
		}
	}
	return text
}

// jaasOption is username="..." or password='...' in a JAAS line; a backslash
// escapes a quote.
var jaasOption = regexp.MustCompile(`(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"';]+))`)

// parseJAAS takes user and password out of
// "org.apache.kafka.common.security.scram.ScramLoginModule required username="..." password="...";"
func parseJAAS(s *Security, value string) error {
	module, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	if !strings.HasSuffix(module, ".PlainLoginModule") && !strings.HasSuffix(module, ".ScramLoginModule") {
		return errors.New("want org.apache.kafka.common.security.plain.PlainLoginModule or ...scram.ScramLoginModule first")
	}
	for _, found := range jaasOption.FindAllStringSubmatch(value, -1) {
		text := found[2] + found[3] + found[4]
		text = regexp.MustCompile(`\\(.)`).ReplaceAllString(text, "$1")
		switch found[1] {
		case "username":
			s.username = text
		case "password":
			s.password = secret(text)
		default:
			return fmt.Errorf("option %s cannot be used here, only username and password", found[1])
		}
	}
	if s.username == "" || s.password == "" {
		return errors.New(`want username="..." and password="..." in it`)
	}
	return nil
}
