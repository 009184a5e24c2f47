package provision

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func goLibraryOf(t *testing.T, name string) goLibrary {
	t.Helper()
	for _, g := range goDrivers() {
		if g.name == name {
			return g
		}
	}
	t.Fatalf("there is no Go library %s", name)
	return goLibrary{}
}

func TestAVersionIsFetchedByThePathThatItHadThen(t *testing.T) {
	for _, c := range []struct{ library, version, path string }{
		{"sarama", "1.23.1", "github.com/Shopify/sarama"},
		{"sarama", "1.38.1", "github.com/Shopify/sarama"},
		{"sarama", "1.39.0", "github.com/Shopify/sarama"},
		{"sarama", "1.40.0", "github.com/IBM/sarama"},
		{"sarama", "1.61.1", "github.com/IBM/sarama"},
		{"sarama", "1.47.1-0.20260101000000-abcdefabcdef", "github.com/IBM/sarama"},
		{"sarama", "nonsense", "github.com/IBM/sarama"},
		{"confluent-kafka-go", "1.4.2", "github.com/confluentinc/confluent-kafka-go"},
		{"confluent-kafka-go", "1.9.2", "github.com/confluentinc/confluent-kafka-go"},
		{"confluent-kafka-go", "2.0.2", "github.com/confluentinc/confluent-kafka-go/v2"},
		{"confluent-kafka-go", "2.15.1", "github.com/confluentinc/confluent-kafka-go/v2"},
		{"kafka-go", "0.4.17", "github.com/segmentio/kafka-go"},
		{"franz-go", "1.16.1", "github.com/twmb/franz-go"},
	} {
		if got := goLibraryOf(t, c.library).path(c.version); got != c.path {
			t.Errorf("%s@%s: %s, want %s", c.library, c.version, got, c.path)
		}
	}
}

// What the driver imports must lie in the module that go.mod asks for, also
// under the old path, and all of the driver's files are to be built.
func TestADriverImportsTheLibraryByThatPath(t *testing.T) {
	for _, c := range []struct{ library, version, imports string }{
		{"sarama", "1.38.1", "github.com/Shopify/sarama"},
		{"sarama", "1.47.0", "github.com/IBM/sarama"},
		{"confluent-kafka-go", "1.9.2", "github.com/confluentinc/confluent-kafka-go/kafka"},
		{"confluent-kafka-go", "2.15.1", "github.com/confluentinc/confluent-kafka-go/v2/kafka"},
		{"kafka-go", "0.4.51", "github.com/segmentio/kafka-go"},
	} {
		g := goLibraryOf(t, c.library)
		b, err := newBuilder(t.TempDir(), c.version, g.source())
		if err != nil {
			t.Fatal(err)
		}
		b.close()
		names, err := g.importing(b, g.path(c.version))
		if err != nil || !slices.Contains(names, "main.go") {
			t.Fatal(names, err)
		}
		found := false
		for _, name := range names {
			parsed, err := parser.ParseFile(token.NewFileSet(), b.path(name), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range parsed.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				switch {
				case path == c.imports:
					found = true
				case !strings.Contains(path, "."): // the standard library
				case !strings.HasPrefix(path, "github.com/idemcheck/idemcheck/"):
					t.Errorf("%s@%s: %s imports %s, want %s", c.library, c.version, name, path, c.imports)
				default: // what it shares with this program is there
					if _, err := os.Stat(b.path(strings.TrimPrefix(path, "github.com/idemcheck/idemcheck/"))); err != nil {
						t.Errorf("%s@%s: %s: %v", c.library, c.version, name, err)
					}
				}
			}
		}
		if !found {
			t.Errorf("%s@%s: nothing imports %s", c.library, c.version, c.imports)
		}
	}
}
