package provision

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/idemcheck/idemcheck/clients/drivers"
)

func cargoLibraries() []Library {
	// Versions before the newest are listed, but were not tried with the driver.
	return []Library{cargoLibrary{crate: "rdkafka"}.library("rdkafka", "0.39.0", "0.36.2", "0.39.0")}
}

// cargoLibrary is a client library from crates.io, with the driver in
// clients/drivers/NAME. Its Cargo.toml names the newest version of the crate,
// and its Cargo.lock goes with that.
type cargoLibrary struct {
	crate string
}

func (c cargoLibrary) library(name, newest, oldest, versions string) Library {
	return Library{
		Name: name, Explain: "Rust, " + c.crate + " from crates.io, with the librdkafka in it", Newest: newest, Oldest: oldest, Versions: versions,
		tools: []tool{
			{"cargo", "https://rustup.rs, Rust 1.85 or later"}, {"gcc", "from your distribution"}, {"make", "from your distribution"},
		},
		build:  func(ctx context.Context, b *builder) ([]string, error) { return c.build(ctx, b, newest) },
		list:   func(ctx context.Context, b *builder) ([]string, error) { return c.list(ctx, b, oldest) },
		source: func() map[string][]byte { return files(drivers.Source, name, "") },
	}
}

// build compiles the driver, and keeps nothing of it but the program.
func (c cargoLibrary) build(ctx context.Context, b *builder, newest string) ([]string, error) {
	command := []string{"cargo", "build", "--release"}
	if b.version == newest {
		command = append(command, "--locked")
	} else if err := c.retarget(b, newest); err != nil {
		return nil, err
	}
	// Its own folder, whatever the user has set for others.
	env := []string{"CARGO_TARGET_DIR=" + b.path("target"), "CARGO_TERM_COLOR=never"}
	if err := b.run(ctx, step{env: env, command: command}); err != nil {
		// cargo's word for a version that a crate has not.
		if strings.Contains(err.Error(), fmt.Sprintf("for the requirement `%s = \"=%s\"`", c.crate, b.version)) {
			return nil, fmt.Errorf("crates.io has no version %s of %s", b.version, c.crate)
		}
		return nil, err
	}
	if err := os.Rename(b.path("target", "release", "driver"), b.path("driver")); err != nil {
		return nil, err
	}
	return []string{"{dir}/driver"}, os.RemoveAll(b.path("target"))
}

// retarget has the driver ask for another version of the crate; cargo finds out
// what goes with it.
func (c cargoLibrary) retarget(b *builder, newest string) error {
	manifest, err := os.ReadFile(b.path("Cargo.toml"))
	if err != nil {
		return err
	}
	named := fmt.Sprintf("version = \"=%s\"", newest)
	if strings.Count(string(manifest), named) != 1 {
		return fmt.Errorf("the driver's Cargo.toml names no version %s of %s", newest, c.crate)
	}
	if err := b.write("Cargo.toml", strings.Replace(string(manifest), named, fmt.Sprintf("version = \"=%s\"", b.version), 1)); err != nil {
		return err
	}
	return os.Remove(b.path("Cargo.lock"))
}
