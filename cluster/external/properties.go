package external

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// secret is a text that prints as stars, whatever prints it.
type secret string

func (s secret) String() string               { return "***" }
func (s secret) GoString() string             { return "***" }
func (s secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// readProperties reads a Java properties file as far as people use it for
// clients: key=value or key: value, # and ! comments, a backslash at a line's
// end goes on with the next line. Errors name lines and keys, never values.
func readProperties(in io.Reader) (map[string]string, error) {
	properties := make(map[string]string)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	at := 0
	for lines.Scan() {
		at++
		first := at
		line := strings.TrimLeft(lines.Text(), " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for goesOn(line) && lines.Scan() {
			at++
			line = line[:len(line)-1] + strings.TrimLeft(lines.Text(), " \t\f")
		}
		end := strings.IndexAny(line, "=: \t")
		if end <= 0 {
			return nil, fmt.Errorf("line %d: want key=value", first)
		}
		key, value := line[:end], strings.TrimLeft(line[end:], " \t")
		if value != "" && (value[0] == '=' || value[0] == ':') {
			value = strings.TrimLeft(value[1:], " \t")
		}
		if _, twice := properties[key]; twice {
			return nil, fmt.Errorf("line %d: %s stands there twice", first, key)
		}
		properties[key] = unescape(strings.TrimRight(value, " \t\r"))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", at+1, err)
	}
	return properties, nil
}

// goesOn says whether a line ends in an odd number of backslashes.
func goesOn(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// unescape resolves the escapes of properties files, of which \n matters: it is
// how PEM text is written in one line.
func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' || i+1 == len(value) {
			b.WriteByte(value[i])
			continue
		}
		i++
		switch value[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		default:
			b.WriteByte(value[i])
		}
	}
	return b.String()
}

// Environment variables that stand in for properties, so that secrets need not
// be in a file either.
const (
	EnvUsername = "IDEMCHECK_SASL_USERNAME"
	EnvPassword = "IDEMCHECK_SASL_PASSWORD"
)

// property is one key that a client file may have.
type property struct {
	set func(s *Security, value string) error
}

// allowed lists the keys that a client file may have: those of Kafka's own
// clients, librdkafka's names for the same, and two of idemcheck's.
func allowed() map[string]property {
	text := func(field func(*Security) *string) property {
		return property{func(s *Security, v string) error { *field(s) = v; return nil }}
	}
	hidden := func(field func(*Security) *secret) property {
		return property{func(s *Security, v string) error { *field(s) = secret(v); return nil }}
	}
	pem := property{func(_ *Security, v string) error {
		if !strings.EqualFold(v, "PEM") {
			return fmt.Errorf("%q: only PEM can be read here (keytool -exportcert -rfc and openssl pkcs12 turn a store into PEM)", v)
		}
		return nil
	}}
	mechanism := text(func(s *Security) *string { return &s.mechanism })
	username := text(func(s *Security) *string { return &s.username })
	password := hidden(func(s *Security) *secret { return &s.password })
	ca := text(func(s *Security) *string { return &s.caFile })
	certificate := text(func(s *Security) *string { return &s.certificateFile })
	key := text(func(s *Security) *string { return &s.keyFile })
	keyPassword := property{func(_ *Security, v string) error {
		if v != "" {
			return fmt.Errorf("keys with a password cannot be read here: write the key without one (openssl pkey)")
		}
		return nil
	}}
	endpoint := property{func(s *Security, v string) error {
		if v != "" && !strings.EqualFold(v, "https") && !strings.EqualFold(v, "none") {
			return fmt.Errorf("%q: want https, or nothing to let a certificate be for any name", v)
		}
		s.anyName = !strings.EqualFold(v, "https")
		return nil
	}}
	return map[string]property{
		"bootstrap.servers": {func(s *Security, v string) error { s.bootstrap = splitList(v); return nil }},
		"security.protocol": text(func(s *Security) *string { return &s.protocol }),
		"sasl.mechanism":    mechanism,
		"sasl.mechanisms":   mechanism, // librdkafka
		"sasl.username":     username,
		"sasl.password":     password,
		"sasl.jaas.config":  {parseJAAS},

		"ssl.truststore.type":                   pem,
		"ssl.truststore.location":               ca,
		"ssl.truststore.certificates":           text(func(s *Security) *string { return &s.caPEM }),
		"ssl.ca.location":                       ca, // librdkafka
		"ssl.keystore.type":                     pem,
		"ssl.keystore.location":                 {func(s *Security, v string) error { s.certificateFile, s.keyFile = v, v; return nil }},
		"ssl.keystore.certificate.chain":        text(func(s *Security) *string { return &s.certificatePEM }),
		"ssl.keystore.key":                      hidden(func(s *Security) *secret { return &s.keyPEM }),
		"ssl.certificate.location":              certificate, // librdkafka
		"ssl.key.location":                      key,         // librdkafka
		"ssl.key.password":                      keyPassword,
		"ssl.endpoint.identification.algorithm": endpoint,

		"idemcheck.tls.server.name":          text(func(s *Security) *string { return &s.serverName }),
		"idemcheck.tls.insecure.skip.verify": {parseSkip},
	}
}

func parseSkip(s *Security, value string) error {
	switch value {
	case "true":
		s.insecure = true
	case "false":
		s.insecure = false
	default:
		return fmt.Errorf("%q: want true or false", value)
	}
	return nil
}

func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// ReadClientConfig reads what a client needs to speak to a cluster from a file
// of Kafka client properties, and from the environment, which goes before the
// file. An empty path reads the environment only.
func ReadClientConfig(path string, getenv func(string) string) (*Security, error) {
	s := &Security{}
	if path != "" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("client config: %w", err)
		}
		defer file.Close()
		properties, err := readProperties(file)
		if err != nil {
			return nil, fmt.Errorf("client config %s: %w", path, err)
		}
		known := allowed()
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			p, ok := known[key]
			if !ok {
				return nil, fmt.Errorf("client config %s: unknown key %s (allowed: %s)", path, key, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			}
			if err := p.set(s, properties[key]); err != nil {
				return nil, fmt.Errorf("client config %s: %s: %w", path, key, err)
			}
		}
	}
	if v := getenv(EnvUsername); v != "" {
		s.username = v
	}
	if v := getenv(EnvPassword); v != "" {
		s.password = secret(v)
	}
	if err := s.check(); err != nil {
		if path != "" {
			err = fmt.Errorf("client config %s: %w", path, err)
		}
		return nil, err
	}
	return s, nil
}
