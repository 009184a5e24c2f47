// Package maven asks Maven for the versions of artifacts, through the user's own
// mvn command: its settings, mirrors and cache are theirs. It knows nothing of
// what the artifacts are.
package maven

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/history/version"
)

// Pinned plugins: the versions Maven picks by itself depend on Maven's own.
const (
	copyGoal     = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
	evaluateGoal = "org.apache.maven.plugins:maven-help-plugin:3.5.1:evaluate"
)

// Artifact is what is published under one name.
type Artifact struct {
	Group, Name string
	// Known is a version that is known to be published.
	Known string
}

// limit is how long Maven may take: it asks a registry for two small files of
// each artifact, and the first time it fetches the plugins for that.
const limit = 5 * time.Minute

// Versions lists the versions of each artifact, oldest first, pre-releases among
// them: those that the repositories of the user's settings say they have, and
// those that are installed here. Where no repository can be reached and there is
// a list from earlier, Maven takes that.
func Versions(ctx context.Context, wanted ...Artifact) ([][]string, error) {
	if _, err := exec.LookPath("mvn"); err != nil {
		return nil, errors.New("there is no mvn on the PATH: install it (apt-get install maven, or https://maven.apache.org)")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("mvn took longer than %s: does the repository answer?", limit))
	defer cancel()
	project, err := os.MkdirTemp("", "idemcheck-maven-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(project)
	repository, err := ask(ctx, project, wanted)
	if err != nil {
		return nil, err
	}
	var all [][]string
	for _, a := range wanted {
		versions, err := read(repository, a)
		if err != nil {
			return nil, err
		}
		all = append(all, versions)
	}
	return all, nil
}

// ask has Maven look for the versions of the artifacts, and returns the local
// repository, where it writes down what it finds.
func ask(ctx context.Context, project string, wanted []Artifact) (repository string, err error) {
	if err := os.WriteFile(filepath.Join(project, "pom.xml"), pom(wanted), 0o644); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--update-snapshots", "-Dstyle.color=never",
		copyGoal, "-DoutputDirectory="+filepath.Join(project, "found"),
		evaluateGoal, "-Dexpression=settings.localRepository", "-DforceStdout")
	cmd.Dir = project
	cmd.WaitDelay = 2 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("mvn: %w%s", err, firstError(out.String()))
	}
	said := strings.TrimSpace(colour.ReplaceAllString(out.String(), ""))
	last := strings.TrimSpace(said[strings.LastIndexByte(said, '\n')+1:])
	if last == "" {
		return "", errors.New("mvn did not say where its local repository is")
	}
	return last, nil
}

// pom is a project that needs the known version of each artifact, said in a way
// that has Maven ask which versions there are: as a range. The range holds no
// other version, since Maven fetches the description of every one in it.
func pom(wanted []Artifact) []byte {
	var b bytes.Buffer
	b.WriteString("<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n" +
		"  <groupId>org.idemcheck</groupId><artifactId>versions</artifactId><version>1</version><packaging>pom</packaging>\n  <dependencies>\n")
	for _, a := range wanted {
		fmt.Fprintf(&b, "    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>[%s,%s.0.1)</version><type>pom</type>"+
			"<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>\n", a.Group, a.Name, a.Known, a.Known)
	}
	b.WriteString("  </dependencies>\n</project>\n")
	return b.Bytes()
}

// read reads what Maven wrote down: a file for each repository that it asked,
// and one for what is installed here.
func read(repository string, a Artifact) ([]string, error) {
	folder := filepath.Join(repository, filepath.FromSlash(strings.ReplaceAll(a.Group, ".", "/")), a.Name)
	files, err := fs.Glob(os.DirFS(folder), "maven-metadata-*.xml")
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		versions, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: remove it, mvn fetches it again", filepath.Join(folder, name), err)
		}
		all = append(all, versions...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no repository says which versions of %s:%s there are: check the network and the mirrors in ~/.m2/settings.xml", a.Group, a.Name)
	}
	return version.Sort(all), nil
}

// parse reads one maven-metadata.xml.
func parse(text []byte) ([]string, error) {
	var metadata struct {
		Versions []string `xml:"versioning>versions>version"`
	}
	if err := xml.Unmarshal(text, &metadata); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(metadata.Versions, func(v string) bool { return v == "" }), nil
}

var (
	colour    = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	mvnErrors = regexp.MustCompile(`(?m)^\[ERROR\] (.+?)(?: -> \[Help.*)?$`)
)

// firstError is what Maven complained of, out of the page of advice with it.
func firstError(output string) string {
	if m := mvnErrors.FindStringSubmatch(colour.ReplaceAllString(output, "")); m != nil {
		return ": " + m[1]
	}
	return ""
}
