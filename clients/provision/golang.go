package provision

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/drivers"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// goVersion is what drivers in Go ask for, as our own go.mod does.
const goVersion = "1.26"

func goLibraries() []Library {
	var all []Library
	for _, g := range goDrivers() {
		all = append(all, g.library())
	}
	return all
}

func goDrivers() []goLibrary {
	shared := &ourPackage{golang.Source, "clients/drivers/golang"}
	return []goLibrary{
		{
			name: "franz-go", newest: "1.22.2", oldest: "1.16.1", versions: "1.16.1 and later",
			module: "github.com/twmb/franz-go", more: &ourPackage{franz.Source, "clients/franz"},
		},
		{
			name: "sarama", newest: "1.61.1", oldest: "1.23.1",
			versions: "1.23.1 to 1.61.1; transactions from 1.37; 1.31 hangs for good when an answer does not come in time (its authors retracted it)",
			module:   "github.com/IBM/sarama", was: "github.com/Shopify/sarama", until: [2]int{1, 39}, more: shared,
			aliases: []string{"IBM/sarama", "Shopify/sarama"},
		},
		{
			name: "confluent-kafka-go", newest: "2.15.1", oldest: "1.4.2",
			versions: "1.4.2 to 2.15.1; before 1.5 no batch_size, and values up to a little less than 1 MiB; 1.4.2 reports any commit as done",
			module:   "github.com/confluentinc/confluent-kafka-go/v2", was: "github.com/confluentinc/confluent-kafka-go", until: [2]int{1, 9}, more: shared,
			aliases: []string{"confluentinc/confluent-kafka-go"}, cgo: true,
		},
		{
			name: "kafka-go", newest: "0.4.51", oldest: "0.4.17",
			versions: "0.4.17 to 0.4.51; 0.4.18 may hang when it is closed with records unsent",
			module:   "github.com/segmentio/kafka-go", more: shared,
			aliases: []string{"segmentio/kafka-go"},
		},
	}
}

// goLibrary is a client library in Go, with the driver in clients/drivers/NAME.
type goLibrary struct {
	name, newest, oldest, versions string // see Library
	aliases                        []string
	module                         string // the path that the driver imports
	// was is the path of versions up to until (major, minor), if they have another.
	was   string
	until [2]int
	more  *ourPackage // that the driver imports besides those all have
	cgo   bool        // it has C in it
}

// ourPackage is a package of ours that becomes part of a driver. Its files are
// read when a driver is looked for: libraries are listed for every scenario.
type ourPackage struct {
	source embed.FS
	path   string
}

func (p *ourPackage) files() map[string][]byte { return files(p.source, ".", p.path) }

func (g goLibrary) library() Library {
	l := Library{
		Name: g.name, Aliases: g.aliases, Explain: "Go, " + g.module + " from the Go module proxy", Newest: g.newest, Oldest: g.oldest, Versions: g.versions,
		tools: []tool{{"go", "https://go.dev/dl, " + goVersion + " or later"}},
		build: g.build, list: g.list, source: g.source,
		ListNote: "a Go module proxy may list fewer than there are; versions that their authors retracted are left out",
	}
	if g.cgo {
		l.tools = append(l.tools, tool{"gcc", "from your distribution"})
	}
	return l
}

func (g goLibrary) source() map[string][]byte {
	all := files(drivers.Source, g.name, "")
	for _, p := range []*ourPackage{g.more, {outcome.Source, "history/outcome"}, {clients.Source, "clients"}, {driver.Source, "clients/driver"}} {
		maps.Copy(all, p.files())
	}
	return all
}

// path is the module path that a version of the library goes by.
func (g goLibrary) path(version string) string {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); g.was == "" || n < 2 {
		return g.module
	}
	if major < g.until[0] || major == g.until[0] && minor <= g.until[1] {
		return g.was
	}
	return g.module
}

// build has the packages that the driver shares with this program lie where
// their import paths say, in a module of this module's name.
func (g goLibrary) build(ctx context.Context, b *builder) ([]string, error) {
	path := g.path(b.version)
	mod := fmt.Sprintf("module github.com/idemcheck/idemcheck\n\ngo %s\n\nrequire %s v%s\n", goVersion, path, b.version)
	if err := b.write("go.mod", mod); err != nil {
		return nil, err
	}
	sources, err := g.importing(b, path)
	if err != nil {
		return nil, err
	}
	// -mod=mod writes what go.mod and go.sum lack. Versions of what the library
	// needs are those that the library names: Go takes no newer ones.
	env := []string{"GOFLAGS=-mod=mod", "GOWORK=off"}
	if g.cgo {
		env = append(env, "CGO_ENABLED=1")
	}
	// Files that are named are built although they say "ignore".
	command := append([]string{"go", "build", "-trimpath", "-o", "driver"}, sources...)
	if err := b.run(ctx, step{env: env, command: command}); err != nil {
		return nil, err
	}
	return []string{"{dir}/driver"}, nil
}

// importing has the driver's own files import the library by this path, and
// returns their names.
func (g goLibrary) importing(b *builder, path string) ([]string, error) {
	found, err := filepath.Glob(b.path("*.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(file)
		if err := b.write(name, strings.ReplaceAll(string(text), g.module, path)); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}
