package maven

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeMaven puts an mvn on the PATH that writes metadata as the real one does.
func fakeMaven(t *testing.T, script string) (repository string) {
	t.Helper()
	bin, repository := t.TempDir(), t.TempDir()
	text := "#!/bin/sh\nREPOSITORY='" + repository + "'\nFOLDER=$REPOSITORY/org/apache/kafka/kafka-clients\nmkdir -p $FOLDER\n" + script
	if err := os.WriteFile(filepath.Join(bin, "mvn"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return repository
}

var clients = Artifact{"org.apache.kafka", "kafka-clients", "4.3.1"}

func metadata(versions ...string) string {
	return "<metadata><versioning><latest>9</latest><versions><version>" + strings.Join(versions, "</version><version>") + "</version></versions></versioning></metadata>"
}

func TestTheVersionsOfAllRepositoriesAreOneList(t *testing.T) {
	fakeMaven(t, `grep -q '\[4.3.1,4.3.1.0.1)' pom.xml || exit 9
echo '`+metadata("2.8.0", "3.0.0", "2.8.1", "4.0.0-rc1")+`' > $FOLDER/maven-metadata-central.xml
echo '`+metadata("2.8.1", "10.0.0")+`' > $FOLDER/maven-metadata-ours.xml
echo no list > $FOLDER/resolver-status.properties
printf '\033[0m%s\033[0m' $REPOSITORY
`)
	got, err := Versions(t.Context(), clients)
	if err != nil || len(got) != 1 || !slices.Equal(got[0], []string{"2.8.0", "2.8.1", "3.0.0", "4.0.0-rc1", "10.0.0"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWhatMavenRefusesIsSaidInALine(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"an error":      {"echo '[ERROR] Failed to execute: no network -> [Help 1]'; echo '[ERROR] advice'; exit 1", "exit status 1: Failed to execute: no network"},
		"no metadata":   {"echo $REPOSITORY", "no repository says which versions of org.apache.kafka:kafka-clients there are"},
		"no repository": {"", "did not say where its local repository is"},
		"half a file":   {"echo '<metadata><vers' > $FOLDER/maven-metadata-central.xml; echo $REPOSITORY", "remove it, mvn fetches it again"},
	} {
		t.Run(name, func(t *testing.T) {
			fakeMaven(t, c.script)
			if _, err := Versions(t.Context(), clients); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Versions(t.Context(), clients); err == nil || !strings.Contains(err.Error(), "no mvn on the PATH") {
		t.Errorf("%v", err)
	}
}
