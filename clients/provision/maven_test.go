package provision

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAJavaDriverIsMadeOfItsOwnSourceAndWhatItShares(t *testing.T) {
	for _, l := range mavenLibraries() {
		source := l.source()
		if len(source) < 8 {
			t.Errorf("%s: %d files", l.Name, len(source))
		}
		for path, text := range source {
			if !strings.HasPrefix(path, "source/") || !strings.HasPrefix(string(text), "package idemcheck;") {
				t.Errorf("%s: %s begins with %.40q", l.Name, path, text)
			}
		}
	}
}

func TestThePOMNamesTheLibraryAndNothingThatBreaksOut(t *testing.T) {
	j := javaLibrary{artifact: "kafka-tools", without: []string{"log4j:log4j", "org.eclipse.jetty:*"}}
	var pom struct {
		Dependencies []struct {
			Artifact   string   `xml:"artifactId"`
			Version    string   `xml:"version"`
			Exclusions []string `xml:"exclusions>exclusion>groupId"`
		} `xml:"dependencies>dependency"`
	}
	if err := xml.Unmarshal([]byte(j.pom("4.3.1</version>&")), &pom); err != nil {
		t.Fatal(err)
	}
	first := pom.Dependencies[0]
	if first.Artifact != "kafka-tools" || first.Version != "4.3.1</version>&" || !slices.Equal(first.Exclusions, []string{"log4j", "org.eclipse.jetty"}) {
		t.Errorf("%+v", first)
	}
	if len(pom.Dependencies) != 4 {
		t.Errorf("%+v", pom.Dependencies)
	}
}

func TestMavensErrorIsTheCauseAlone(t *testing.T) {
	for name, c := range map[string]struct{ out, want string }{
		"a version that does not exist": {
			"\x1b[0m\x1b[0m[ERROR] Failed to execute goal on project driver: Could not resolve dependencies for project idemcheck:driver:pom:1: Could not find artifact org.apache.kafka:kafka-clients:jar:9.9.9 in central (https://repo.example) -> [Help 1]\n[ERROR] \n[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.\n",
			"Could not find artifact org.apache.kafka:kafka-clients:jar:9.9.9 in central (https://repo.example)",
		},
		"no network": {
			"[ERROR] Plugin org.apache.maven.plugins:p:1 or one of its dependencies could not be resolved: Could not transfer artifact p:pom:1 from/to central (https://repo.example): unknown host -> [Help 1]\n",
			"Could not transfer artifact p:pom:1 from/to central (https://repo.example): unknown host",
		},
		"something else":  {"[ERROR] Unrecognized VM option\n", "Unrecognized VM option"},
		"nothing of note": {"killed\n", ""},
	} {
		if got := mavenError([]byte(c.out)); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// fakeJDK puts programs on the PATH that stand for Maven and a JDK.
func fakeJDK(t *testing.T, java string) {
	t.Helper()
	bin := t.TempDir()
	for name, does := range map[string]string{
		"mvn":   `for a; do case $a in -DoutputDirectory=*) mkdir -p "${a#*=}" && touch "${a#*=}/b.jar" "${a#*=}/a.jar";; esac; done`,
		"javac": ":", "jar": ":", "java": java,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+does+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

func TestTheArchiveOfClassesIsUsedWhereTheJVMHasMadeOne(t *testing.T) {
	for name, c := range map[string]struct {
		java    string
		archive bool
	}{
		"it makes one and exits with an error": {`case $1 in -XX:ArchiveClassesAtExit=*) cat; echo classes >"${1#*=}";; esac; exit 3`, true},
		"it knows no such option":              {"exit 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			fakeJDK(t, c.java)
			cache := Cache{Dir: t.TempDir()}
			d, err := cache.Driver(t.Context(), "java", "4.3.1")
			if err != nil {
				t.Fatal(err)
			}
			command := strings.Join(d.Command, " ")
			if strings.Contains(command, "-XX:SharedArchiveFile="+cache.Dir) != c.archive {
				t.Errorf("%s", command)
			}
			if strings.Contains(command, "{dir}") || !strings.Contains(command, "/driver.jar:") || !strings.Contains(command, "/lib/a.jar:") ||
				!strings.HasSuffix(command, "/lib/b.jar idemcheck.KafkaClients") || d.Library != "kafka-clients" {
				t.Errorf("%s: %s", d.Library, command)
			}
		})
	}
}
