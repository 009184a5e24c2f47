package provision

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeTool puts a shell script on the PATH, in front of everything else.
func fakeTool(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func build(t *testing.T, name, version string) (Driver, error) {
	t.Helper()
	return Cache{Dir: t.TempDir()}.Driver(t.Context(), name, version)
}

// A lock file that lags behind, or that names a registry, would be found out by
// users only.
func TestTheLockFileOfAnNpmLibraryIsTheNewestVersionsAndNamesNoRegistry(t *testing.T) {
	for _, l := range npmLibraries() {
		source := l.source()
		if source["main.mjs"] == nil || source["node/serve.mjs"] == nil {
			t.Errorf("%s: the driver's source is not whole", l.Name)
		}
		text, ok := source["package-lock.json"]
		if !ok {
			continue // it depends on nothing
		}
		var lock struct {
			Packages map[string]struct {
				Version, Resolved, Integrity string
				Dependencies                 map[string]string
			}
		}
		if err := json.Unmarshal(text, &lock); err != nil {
			t.Fatal(err)
		}
		for path, p := range lock.Packages {
			switch {
			case path == "" && p.Dependencies[l.Aliases[0]] != l.Newest:
				t.Errorf("%s: the lock file is for %v, and the newest version is %s", l.Name, p.Dependencies, l.Newest)
			case path != "" && (p.Resolved != "" || p.Version == "" || p.Integrity == ""):
				t.Errorf("%s: %s of the lock file: %+v: want a version, a checksum and no address", l.Name, path, p)
			}
		}
	}
}

func TestAnNpmLibraryIsInstalledAtExactlyTheVersionAskedFor(t *testing.T) {
	fakeTool(t, "npm", `cat package.json; echo "$@"
case $PWD in */runtime)
	bin=node_modules/${6%@*}/bin
	mkdir -p $bin && printf '#!/bin/sh\necho 2.12.1' >$bin/node && chmod +x $bin/node
esac`)
	fakeTool(t, "node", `echo 2.0.2`)
	for _, c := range []struct {
		name, version string
		logged        []string // words of the log
		command       string   // begins so
	}{
		{"kafkajs", "2.0.2", []string{`"kafkajs": "2.0.2"`, "install --ignore-scripts"}, "node "},
		{"platformatic-kafka", "", []string{`"@platformatic/kafka": "2.12.1"`, "ci --ignore-scripts", "@22."}, "/"},
	} {
		d, err := build(t, c.name, c.version)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		log, err := filepath.Glob(filepath.Dir(d.Command[1]) + ".log")
		if err != nil || len(log) != 1 {
			t.Fatal(log, err)
		}
		text, err := os.ReadFile(log[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range c.logged {
			if !strings.Contains(string(text), words) {
				t.Errorf("%s: %q is not in the log:\n%s", c.name, words, text)
			}
		}
		if !strings.HasPrefix(strings.Join(d.Command, " "), c.command) {
			t.Errorf("%s runs with %s", c.name, d.Command)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(d.Command[1]), "runtime")); err == nil {
			t.Errorf("%s: the package of Node is still there", c.name)
		}
	}
}

func TestAVersionThatNpmHasNotIsSaidInALine(t *testing.T) {
	fakeTool(t, "node", "")
	fakeTool(t, "npm", `echo "npm error code ETARGET" >&2; echo "npm error notarget No matching version found for kafkajs@9.9.9." >&2; exit 1`)
	if _, err := build(t, "kafkajs", "9.9.9"); err == nil || !strings.Contains(err.Error(), "cannot be built: npm has no version 9.9.9 of kafkajs (") {
		t.Error(err)
	}
}

func TestAnNpmLibraryThatCallsItselfOtherwiseIsNotKept(t *testing.T) {
	fakeTool(t, "npm", "")
	fakeTool(t, "node", `echo 2.2.3`)
	if _, err := build(t, "kafkajs", "2.2.4"); err == nil || !strings.Contains(err.Error(), "version 2.2.4 was installed, and calls itself 2.2.3") {
		t.Error(err)
	}
}
