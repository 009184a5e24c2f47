package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// log4jOf40 goes with Kafka 4.0, the one release line whose published jars ask
// for a log4j 2 without naming it.
const log4jOf40 = "2.24.3"

// A pinned plugin: the version Maven picks by itself depends on Maven's own.
const copyGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

// fetchJars puts every jar of a broker of that version into dir, through the mvn
// command with the user's own settings and cache.
func fetchJars(ctx context.Context, version, dir string, say func(string, ...any)) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return fmt.Errorf("fetch Kafka %s: there is no mvn on the PATH: install it (apt-get install maven), or give a folder of jars", version)
	}
	r, err := parseRelease(version)
	if err != nil {
		return err
	}
	wanted := r.artifacts(version)
	say("fetching the jars of Kafka %s from Maven Central", version)
	if err := copyDependencies(ctx, version, wanted, dir); err != nil {
		return err
	}
	jars, err := readJars(dir)
	if err != nil || jars.logs || !jars.log4j2 {
		return err
	}
	// From 4.0 the jars log through slf4j but bring nothing that binds it to
	// log4j: the release archive adds that, Maven does not.
	log4j := jars.log4jVersion()
	if log4j == "" {
		log4j = log4jOf40
	}
	say("fetching the log4j %s binding, which the published jars leave out", log4j)
	wanted = append(wanted, "org.apache.logging.log4j:log4j-slf4j-impl:"+log4j, "org.apache.logging.log4j:log4j-core:"+log4j)
	return copyDependencies(ctx, version, wanted, dir)
}

// copyDependencies runs Maven on a project that depends on the wanted artifacts,
// each GROUP:NAME:VERSION.
func copyDependencies(ctx context.Context, version string, wanted []string, dir string) error {
	project, err := os.MkdirTemp("", "idemcheck-maven-")
	if err != nil {
		return fmt.Errorf("fetch Kafka %s: %w", version, err)
	}
	defer os.RemoveAll(project)
	if err := os.WriteFile(filepath.Join(project, "pom.xml"), pom(wanted), 0o644); err != nil {
		return fmt.Errorf("fetch Kafka %s: %w", version, err)
	}
	// Updates are forced so that a version that was missing yesterday, or a network
	// that was down, is not remembered as missing.
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--update-snapshots", copyGoal,
		"-DincludeScope=runtime", "-DoutputDirectory="+dir)
	cmd.Dir = project
	cmd.WaitDelay = 2 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("fetch Kafka %s: %w", version, ctx.Err())
		}
		return fmt.Errorf("fetch Kafka %s: %w", version, explainMaven(version, out.String(), err))
	}
	return nil
}

// pom is the smallest project that depends on the wanted artifacts.
func pom(wanted []string) []byte {
	var b bytes.Buffer
	b.WriteString("<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n" +
		"  <groupId>org.idemcheck</groupId><artifactId>jars</artifactId><version>1</version>\n  <dependencies>\n")
	for _, w := range wanted {
		p := strings.SplitN(w, ":", 3)
		fmt.Fprintf(&b, "    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n", p[0], p[1], p[2])
	}
	b.WriteString("  </dependencies>\n</project>\n")
	return b.Bytes()
}

var (
	notFound   = regexp.MustCompile(`Could not find artifact ([^:\s]+):([^:\s]+):[^:\s]+:(\S+)|([^:\s]+):([^:\s]+):jar:(\S+) was not found in`)
	notFetched = regexp.MustCompile(`Could not transfer artifact [^\n]*?: ([^\n]*?)(?: -> \[Help|\n|$)`)
	mavenError = regexp.MustCompile(`(?m)^(?:\x1b\[[0-9;]*m)*\[(?:\x1b\[[0-9;]*m)*ERROR(?:\x1b\[[0-9;]*m)*\] (.+)$`)
	colour     = regexp.MustCompile(`\x1b\[[0-9;]*m`)
)

// explainMaven turns what Maven printed into one sentence.
func explainMaven(version, output string, err error) error {
	output = colour.ReplaceAllString(output, "")
	if m := notFound.FindStringSubmatch(output); m != nil {
		m = append(m[:1], strings.Fields(strings.Join(m[1:], " "))...) // one of the two forms
		if strings.HasPrefix(m[2], "kafka_2.") {
			return fmt.Errorf("Maven Central has no Kafka of that version (no %s:%s:%s): choose a published one", m[1], m[2], m[3]) //nolint:staticcheck // a product's name
		}
		return fmt.Errorf("its jars are incomplete on Maven Central (no %s:%s:%s): choose another version, or give a folder of jars", m[1], m[2], m[3])
	}
	if m := notFetched.FindStringSubmatch(output); m != nil {
		return fmt.Errorf("Maven Central cannot be reached (%s): check the network and the mirrors in ~/.m2/settings.xml, or give a folder of jars", strings.TrimSpace(m[1])) //nolint:staticcheck // a product's name
	}
	if m := mavenError.FindStringSubmatch(output); m != nil {
		return fmt.Errorf("mvn: %s", strings.TrimSuffix(m[1], " -> [Help 1]"))
	}
	if s := strings.TrimSpace(output); s != "" {
		return errors.New("mvn: " + s)
	}
	return fmt.Errorf("mvn: %w", err)
}
