package provision

import (
	"context"
	"fmt"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/drivers"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// goVersion is what drivers in Go ask for, as our own go.mod does.
const goVersion = "1.26"

func goLibraries() []Library {
	return []Library{
		goLibrary{
			module: "github.com/twmb/franz-go", more: files(franz.Source, ".", "clients/franz"),
		}.library("franz-go", "1.22.2", "1.16.1 and later"),
	}
}

// goLibrary is a client library in Go, with the driver in clients/drivers/NAME.
type goLibrary struct {
	module string
	more   map[string][]byte // files besides the driver's own
	cgo    bool              // it has C in it
}

func (g goLibrary) library(name, newest, versions string) Library {
	l := Library{
		Name: name, Explain: "Go, " + g.module + " from the Go module proxy", Newest: newest, Versions: versions,
		tools: []tool{{"go", "https://go.dev/dl, " + goVersion + " or later"}},
		build: g.build,
		source: func() map[string][]byte {
			return together(g.more,
				files(outcome.Source, ".", "history/outcome"), files(clients.Source, ".", "clients"), files(driver.Source, ".", "clients/driver"),
				files(drivers.Source, name, ""))
		},
	}
	if g.cgo {
		l.tools = append(l.tools, tool{"gcc", "from your distribution"})
	}
	return l
}

// build has the packages that the driver shares with this program lie where
// their import paths say, in a module of this module's name.
func (g goLibrary) build(ctx context.Context, b *builder) ([]string, error) {
	mod := fmt.Sprintf("module github.com/idemcheck/idemcheck\n\ngo %s\n\nrequire %s v%s\n", goVersion, g.module, b.version)
	if err := b.write("go.mod", mod); err != nil {
		return nil, err
	}
	// -mod=mod writes what go.mod and go.sum lack. Versions of what the library
	// needs are those that the library names: Go takes no newer ones.
	env := []string{"GOFLAGS=-mod=mod", "GOWORK=off"}
	if g.cgo {
		env = append(env, "CGO_ENABLED=1")
	}
	if err := b.run(ctx, step{env: env, command: []string{"go", "build", "-trimpath", "-o", "driver", "main.go"}}); err != nil {
		return nil, err
	}
	return []string{"{dir}/driver"}, nil
}
