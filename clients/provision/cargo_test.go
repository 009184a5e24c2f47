package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCratesOfARustDriverAreLockedForTheNewestVersion(t *testing.T) {
	for _, l := range cargoLibraries() {
		source := l.source()
		if want := "\nname = \"" + l.Name + "\"\nversion = \"" + l.Newest + "\"\n"; !strings.Contains(string(source["Cargo.lock"]), want) {
			t.Errorf("%s: its Cargo.lock has no %q", l.Name, want)
		}
		if want := "version = \"=" + l.Newest + "\""; strings.Count(string(source["Cargo.toml"]), want) != 1 {
			t.Errorf("%s: its Cargo.toml does not have %s once", l.Name, want)
		}
		if source["src/main.rs"] == nil || source["build.rs"] == nil {
			t.Errorf("%s: the driver's source is not whole", l.Name)
		}
	}
}

// fakeCargo also has what else cargo needs on the PATH.
func fakeCargo(t *testing.T, script string) {
	t.Helper()
	fakeTool(t, "gcc", "")
	fakeTool(t, "make", "")
	fakeTool(t, "cargo", script)
}

func TestARustDriverIsBuiltForTheVersionAskedForAndNothingElseKept(t *testing.T) {
	fakeCargo(t, `grep rdkafka Cargo.toml; ls; echo "$@"; mkdir -p "$CARGO_TARGET_DIR/release"; echo driver >"$CARGO_TARGET_DIR/release/driver"`)
	for version, logged := range map[string][]string{
		"":       {`"=0.39.0"`, "Cargo.lock", "build --release --locked"},
		"0.36.2": {`"=0.36.2"`, "build --release\n"},
	} {
		d, err := build(t, "rdkafka", version)
		if err != nil {
			t.Errorf("%q: %v", version, err)
			continue
		}
		dir := filepath.Dir(d.Command[0])
		text, err := os.ReadFile(dir + ".log")
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range logged {
			if !strings.Contains(string(text), words) {
				t.Errorf("%q: %q is not in the log:\n%s", version, words, text)
			}
		}
		if version != "" && strings.Contains(string(text), "Cargo.lock") {
			t.Errorf("%q: the newest version's lock file was used", version)
		}
		if _, err := os.Stat(filepath.Join(dir, "target")); err == nil {
			t.Errorf("%q: cargo's target directory is still there", version)
		}
	}
}

func TestAVersionThatCratesIoHasNotIsSaidInALine(t *testing.T) {
	fakeCargo(t, "echo 'error: failed to select a version for the requirement `rdkafka = \"=9.9.9\"`' >&2; exit 101")
	if _, err := build(t, "rdkafka", "9.9.9"); err == nil || !strings.Contains(err.Error(), "cannot be built: crates.io has no version 9.9.9 of rdkafka (") {
		t.Error(err)
	}
}
