package provision

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/clients/drivers"
)

func pypiLibraries() []Library {
	// What a library needs for compression is not among what it depends on.
	codecs := []string{"lz4", "python-snappy", "zstandard"}
	confluent := pypiLibrary{pack: "confluent-kafka"}.library("confluent-kafka-python", "2.16.1", "2.0.2", "2.0.2 and later on Python 3.11")
	confluent.Aliases = []string{"confluent-kafka"}
	return []Library{
		confluent,
		pypiLibrary{pack: "aiokafka", besides: codecs}.library("aiokafka", "0.14.0", "0.8.0", "0.8.0 and later on Python 3.11"),
		pypiLibrary{pack: "kafka-python", besides: codecs}.library("kafka-python", "3.0.12", "2.0.2", "2.0.2 and later; with idempotence 2.2.0 and later"),
	}
}

// pypiLibrary is a client library in Python, with the driver in
// clients/drivers/NAME.
type pypiLibrary struct {
	pack    string   // its package on PyPI
	besides []string // packages that it uses where they are there
}

// constraintsName is the file with the versions of everything else that is
// installed with a library.
const constraintsName = "constraints.txt"

func (p pypiLibrary) library(name, newest, oldest, versions string) Library {
	return Library{
		Name: name, Explain: "Python, " + p.pack + " from PyPI", Newest: newest, Oldest: oldest, Versions: versions,
		tools: []tool{{"python3", "from your distribution, with venv: Debian's package is python3-venv"}},
		build: p.build, list: p.list,
		ListNote: "those that have a wheel for this machine and its Python",
		source: func() map[string][]byte {
			return together(files(drivers.Source, "python", ""), files(drivers.Source, name, ""))
		},
	}
}

// build installs the library into a virtual environment in the folder. Wheels
// only: building an old version from source needs a compiler, headers and luck.
func (p pypiLibrary) build(ctx context.Context, b *builder) ([]string, error) {
	// The interpreter's own name, python3.11, is the one that the environment's
	// link is to lead to: once it is gone, so is the environment's use, and the
	// cache sees it.
	var said bytes.Buffer
	ask := "import os, platform, sys; print(os.path.realpath(sys.executable)); print(platform.python_version())"
	if err := b.capture(ctx, step{command: []string{"python3", "-c", ask}}, &said); err != nil {
		return nil, err
	}
	python, pythonVersion, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
	pip, err := environment(ctx, b, python)
	if err != nil {
		return nil, err
	}
	constraints, err := drivers.Source.ReadFile("python/" + constraintsName)
	if err != nil {
		return nil, err
	}
	if err := b.write(constraintsName, without(p.pack, string(constraints))); err != nil {
		return nil, err
	}
	install := slices.Concat(pip, []string{
		"install", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--constraint", constraintsName,
		p.pack + "==" + b.version,
	}, p.besides)
	if err := b.run(ctx, step{command: install}); err != nil {
		return nil, p.refused(err, b.version, pythonVersion)
	}
	// -E and -s: what the user has set for Python and installed for themselves
	// is not part of the library.
	command := []string{"{dir}/venv/bin/python", "-E", "-s", "{dir}/main.py"}
	// A library that can't be loaded is found out now, and not in a run.
	return command, b.run(ctx, step{command: []string{"venv/bin/python", "-E", "-s", "main.py", "--version"}})
}

// environment makes a virtual environment, venv, and returns the command that
// is pip for it: the interpreter's own where that can serve another one (22.3
// and later), since to install one into the environment takes longer than all
// the rest.
func environment(ctx context.Context, b *builder, python string) (pip []string, err error) {
	if err := b.run(ctx, step{command: []string{python, "-m", "venv", "--without-pip", "venv"}}); err != nil {
		return nil, err
	}
	pip = []string{python, "-m", "pip", "--python", "venv/bin/python"}
	if b.run(ctx, step{command: append(pip, "--version")}) == nil {
		return pip, nil
	}
	if err := b.run(ctx, step{command: []string{"venv/bin/python", "-m", "ensurepip"}}); err != nil {
		return nil, err
	}
	return []string{"venv/bin/python", "-m", "pip"}, nil
}

// without is the constraints but those of the package itself.
func without(pack, constraints string) string {
	var kept strings.Builder
	for line := range strings.Lines(constraints) {
		if !strings.HasPrefix(line, pack+"==") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// refused says in a line what pip says with a list of all versions.
func (p pypiLibrary) refused(err error, version, pythonVersion string) error {
	switch said := err.Error(); {
	case !strings.Contains(said, "No matching distribution found for "+p.pack+"=="+version):
		return err
	case strings.Contains(said, "(from versions: none)"):
		return fmt.Errorf("the package index has no %s for Python %s at all, or can't be reached", p.pack, pythonVersion)
	}
	return fmt.Errorf("the package index has no %s %s, or no wheel of it for Python %s on this machine", p.pack, version, pythonVersion)
}
