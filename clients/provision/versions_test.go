package provision

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history/version"
)

func TestVersionsAreReleasesThatTheDriverIsForOldestFirst(t *testing.T) {
	fakeTool(t, "node", "exit 0")
	fakeTool(t, "npm", `[ "$*" = "view kafkajs versions --json --no-update-notifier" ] || exit 9
echo '["0.1.0", "1.14.0", "1.15.0", "1.16.0-beta.6", "2.0.2", "2.0.10", "2.2.4", "2.3.0-beta.3"]'`)
	got, err := Versions(t.Context(), "kafkajs")
	if want := []string{"1.15.0", "2.0.2", "2.0.10", "2.2.4"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	fakeTool(t, "npm", `echo '"1.15.0"'`) // one version is no list to npm; the newest that was tried is there all the same
	if got, err = Versions(t.Context(), "kafkajs"); err != nil || !slices.Equal(got, []string{"1.15.0", "2.2.4"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestARegistryThatDoesNotListIsAnError(t *testing.T) {
	fakeTool(t, "node", "exit 0")
	for script, want := range map[string]string{
		"echo 'npm error code E404' >&2; exit 1": "client kafkajs: list its versions: npm view kafkajs: exit status 1; it said last: npm error code E404",
		"echo '[]'":                              "the registry lists none",
		"echo hello":                             "what it said is no list",
	} {
		fakeTool(t, "npm", script)
		if got, err := Versions(t.Context(), "kafkajs"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want %q", got, err, want)
		}
	}
	if _, err := Versions(t.Context(), "nonsense"); err == nil || !strings.Contains(err.Error(), "unknown client library") {
		t.Errorf("%v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Versions(t.Context(), "kafkajs"); err == nil || !strings.Contains(err.Error(), "npm is not on the PATH") {
		t.Errorf("%v", err)
	}
}

func listed(t *testing.T, name string) []string {
	t.Helper()
	l, err := ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	all, err := l.listed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPipIsAskedForVersionsThatHaveAWheel(t *testing.T) {
	fakeTool(t, "python3", `case "$*" in
*"index versions"*"--only-binary :all: aiokafka")
	echo 'aiokafka (0.14.0)'; echo 'Available versions: 0.14.0, 0.13.0, 0.8.1'; echo '  INSTALLED: 0.8.1';;
*"-m venv"*|*--version) ;;
*) exit 9;;
esac`)
	if got := listed(t, "aiokafka"); !slices.Equal(got, []string{"0.14.0", "0.13.0", "0.8.1"}) {
		t.Errorf("%v", got)
	}
}

func TestAModuleThatWasRenamedIsListedUnderBothPathsEachVersionOnce(t *testing.T) {
	fakeTool(t, "go", `case "$*" in
"list -m -versions github.com/Shopify/sarama") echo github.com/Shopify/sarama v1.23.1 v1.38.1 v1.40.0;;
"list -m -versions github.com/IBM/sarama") echo github.com/IBM/sarama v1.38.1 v1.40.0 v1.61.1;;
*) exit 9;;
esac`)
	if got := listed(t, "sarama"); !slices.Equal(got, []string{"1.23.1", "1.38.1", "1.40.0", "1.61.1"}) {
		t.Errorf("%v", got)
	}
}

func TestCargoIsAskedForTheOneBeforeUntilThereIsNone(t *testing.T) {
	// It answers with the newest version below the one that is named, as cargo does.
	fakeTool(t, "cargo", `case $(cat Cargo.toml) in
*'<0.36.2"'*) echo 'error: failed to select a version for the requirement `+"`"+`rdkafka = ">=0.36.2, <0.36.2"`+"`"+`' >&2; exit 101;;
*'<0.37.0"'*) v=0.36.2;;
*'<0.39.0"'*) v=0.37.0;;
*) v=0.39.0;;
esac
printf '[[package]]\nname = "rdkafka-sys"\nversion = "4.0.0"\n\n[[package]]\nname = "rdkafka"\nversion = "%s"\n' $v > Cargo.lock`)
	if got := listed(t, "rdkafka"); !slices.Equal(got, []string{"0.39.0", "0.37.0", "0.36.2"}) {
		t.Errorf("%v", got)
	}
	fakeTool(t, "cargo", "echo 'error: failed to fetch' >&2; exit 101")
	l, _ := ByName("rdkafka")
	if got, err := l.listed(t.Context()); err == nil || !strings.Contains(err.Error(), "failed to fetch") {
		t.Errorf("%v, %v", got, err)
	}
}

func TestEveryLibraryCanBeListedFromAnOldestVersionOn(t *testing.T) {
	for _, l := range All() {
		if l.list == nil || !version.Stable(l.Oldest) || !version.Stable(l.Newest) || version.Compare(l.Oldest, l.Newest) > 0 {
			t.Errorf("%s: from %q to %q", l.Name, l.Oldest, l.Newest)
		}
	}
}

// TestRegistriesListVersions asks the real ones.
func TestRegistriesListVersions(t *testing.T) {
	if os.Getenv("IDEMCHECK_TEST_REGISTRIES") == "" {
		t.Skip("asks package registries for versions: set IDEMCHECK_TEST_REGISTRIES=1, or to names of libraries with commas between")
	}
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	for _, l := range All() {
		if names := os.Getenv("IDEMCHECK_TEST_REGISTRIES"); names != "1" && !slices.Contains(strings.Split(names, ","), l.Name) {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			all, err := Versions(t.Context(), l.Name)
			if err != nil || len(all) < 2 || all[len(all)-1] != l.Newest && version.Compare(all[len(all)-1], l.Newest) < 0 {
				t.Fatalf("%v, %v", all, err)
			}
			t.Logf("%d versions: %s", len(all), strings.Join(all, " "))
		})
	}
	if left, _ := filepath.Glob(filepath.Join(scratch, "idemcheck-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
