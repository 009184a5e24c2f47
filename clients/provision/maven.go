package provision

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/clients/drivers"
	"github.com/idemcheck/idemcheck/maven"
)

func mavenLibraries() []Library {
	return []Library{
		javaLibrary{
			name: "kafka-clients", artifact: "kafka-clients", main: "KafkaClients",
			explain: "Java, org.apache.kafka:kafka-clients from Maven Central",
		}.library("4.4.0", "2.8.0", "2.8.2 and later", "java"),
		javaLibrary{
			name: "verifiable-producer", artifact: "kafka-tools", main: "Verifiable",
			explain: "Java, VerifiableProducer of org.apache.kafka:kafka-tools from Maven Central; its send method, with the harness's values",
			shared:  []string{"Client.java", "Command.java", "Driver.java", "Events.java", "Failure.java", "Opening.java", "Ready.java", "Settings.java"},
			// It needs none of what the other tools need.
			without: []string{
				"org.apache.kafka:connect-runtime", "org.apache.kafka:connect-json", "org.apache.kafka:kafka-log4j-appender", "org.apache.kafka:kafka-server",
				"org.glassfish.jersey.containers:*", "org.glassfish.jersey.inject:*", "org.eclipse.jetty:*", "javax.xml.bind:*",
				"org.slf4j:slf4j-log4j12", "org.slf4j:slf4j-reload4j", "log4j:log4j", "org.apache.logging.log4j:*",
			},
		}.library("4.4.0", "2.8.0", "2.8.2 and later"),
	}
}

const (
	copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
	gsonVersion      = "2.13.2"
	// slf4jVersion takes the place of the one that the library names: the API
	// and what writes the log must be of one version, and this one has all that
	// older callers call.
	slf4jVersion = "2.0.17"
)

// javaLibrary is an artifact of Apache Kafka, with the driver in
// clients/drivers/NAME and what that shares with the one of kafka-clients.
type javaLibrary struct {
	name, explain string
	artifact      string   // in group org.apache.kafka
	without       []string // what it needs and the driver does not, GROUP:ARTIFACT
	main          string   // class of the driver, in package idemcheck
	shared        []string // files from clients/drivers/kafka-clients
}

func (j javaLibrary) library(newest, oldest, versions string, aliases ...string) Library {
	return Library{
		Name: j.name, Aliases: aliases, Explain: j.explain, Newest: newest, Oldest: oldest, Versions: versions,
		tools: []tool{{"mvn", "https://maven.apache.org"}, {"javac", jdk}, {"jar", jdk}, {"java", jdk}},
		build: j.build,
		list: func(ctx context.Context, _ *builder) ([]string, error) {
			all, err := maven.Versions(ctx, maven.Artifact{Group: "org.apache.kafka", Name: j.artifact, Known: newest})
			if err != nil {
				return nil, err
			}
			return all[0], nil
		},
		source: func() map[string][]byte {
			own := files(drivers.Source, j.name, "source")
			all := files(drivers.Source, "kafka-clients", "source")
			for _, name := range j.shared {
				own["source/"+name] = all["source/"+name]
			}
			return own
		},
	}
}

const jdk = "a JDK, 11 or later"

// build compiles the driver against the version asked for. The class files are
// those of Java 8, as the oldest libraries are: a later change of the JDK does
// not break what is in the cache.
func (j javaLibrary) build(ctx context.Context, b *builder) ([]string, error) {
	if err := b.write("pom.xml", j.pom(b.version)); err != nil {
		return nil, err
	}
	if err := runMaven(ctx, b, copyDependencies, "-DincludeScope=runtime", "-DoutputDirectory="+b.path("lib")); err != nil {
		return nil, err
	}
	sources, err := filepath.Glob(b.path("source", "*.java"))
	if err != nil {
		return nil, err
	}
	javac := append([]string{"javac", "-nowarn", "-Xlint:-options", "--release", "8", "-cp", b.path("lib", "*"), "-d", b.path("classes")}, sources...)
	if err := b.run(ctx, step{command: javac}); err != nil {
		return nil, err
	}
	// A shared archive takes classes from jars only.
	if err := b.run(ctx, step{command: []string{"jar", "cf", b.path("driver.jar"), "-C", b.path("classes"), "."}}); err != nil {
		return nil, err
	}
	jars, err := filepath.Glob(b.path("lib", "*.jar"))
	if err != nil {
		return nil, err
	}
	command := j.command(append([]string{b.path("driver.jar")}, jars...))
	if j.archive(ctx, b, command) {
		command = slices.Insert(command, 1, "-XX:SharedArchiveFile="+b.path(archiveName))
	}
	for i, word := range command {
		command[i] = strings.ReplaceAll(word, b.dir, "{dir}")
	}
	return command, nil
}

// command runs the driver. The client compiler alone, the serial collector and
// classes shared with other processes have it ready in half the time.
func (j javaLibrary) command(jars []string) []string {
	return []string{
		"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
		"-XX:+DisplayVMOutputToStderr", "-Xlog:disable", "-Xlog:all=warning:stderr", // standard output belongs to the protocol
		"-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-cp", strings.Join(jars, string(os.PathListSeparator)), "idemcheck." + j.main,
	}
}

const archiveName = "driver.jsa"

// archive has the JVM write down the classes that a producer needs, as it has
// them in memory, for later starts. A producer without a broker is enough. A
// JVM that cannot (before 13) makes no archive: starts then take longer.
func (j javaLibrary) archive(ctx context.Context, b *builder, command []string) bool {
	const rehearsal = `{"command":"open","protocol":1,"bootstrap":["127.0.0.1:1"],"options":{"client_id":"rehearsal","idempotence":true,"acks":"all"}}
{"command":"close"}
`
	training := slices.Insert(slices.Clone(command), 1, "-XX:ArchiveClassesAtExit="+b.path(archiveName))
	// The driver says that it found no broker, and exits accordingly.
	_ = b.run(ctx, step{command: training, in: rehearsal})
	info, err := os.Stat(b.path(archiveName))
	return err == nil && info.Size() > 0
}

// pom names the library, and what the driver needs besides.
func (j javaLibrary) pom(version string) string {
	dependency := func(group, artifact, version string, without ...string) string {
		var exclusions strings.Builder
		for _, w := range without {
			group, artifact, _ := strings.Cut(w, ":")
			fmt.Fprintf(&exclusions, "      <exclusion><groupId>%s</groupId><artifactId>%s</artifactId></exclusion>\n", group, artifact)
		}
		return fmt.Sprintf("    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version><exclusions>\n%s    </exclusions></dependency>\n",
			group, artifact, escape(version), &exclusions)
	}
	return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>idemcheck</groupId><artifactId>driver</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
` + dependency("org.apache.kafka", j.artifact, version, j.without...) +
		dependency("com.google.code.gson", "gson", gsonVersion, "com.google.errorprone:*") +
		dependency("org.slf4j", "slf4j-api", slf4jVersion) +
		dependency("org.slf4j", "slf4j-simple", slf4jVersion) +
		"  </dependencies>\n</project>\n"
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

// runMaven runs a goal. -U asks again for what was not there the last time.
func runMaven(ctx context.Context, b *builder, goal string, properties ...string) error {
	var out bytes.Buffer
	err := b.capture(ctx, step{command: append([]string{"mvn", "-q", "-B", "-U", goal}, properties...)}, &out)
	if err == nil {
		return nil
	}
	if why := mavenError(out.Bytes()); why != "" && ctx.Err() == nil {
		return errors.New("mvn: " + why)
	}
	return err
}

// mavenError is what went wrong, out of the page of advice that Maven gives
// with it: the first error, from the cause on.
func mavenError(out []byte) string {
	for line := range bytes.Lines(out) {
		// Escape codes may stand before it.
		_, why, ok := strings.Cut(strings.TrimSpace(string(line)), "[ERROR] ")
		if !ok {
			continue
		}
		for _, cause := range []string{"Could not find artifact ", "Could not transfer artifact "} {
			if _, after, ok := strings.Cut(why, cause); ok {
				why = cause + after
			}
		}
		why, _, _ = strings.Cut(why, " -> [Help")
		return why
	}
	return ""
}
