// Package images makes the container images that idemcheck runs Kafka from, on
// machines that have no container registry to pull them from: a base image with
// a Java runtime out of Debian packages, and on it a Kafka of any version out of
// its published jars, or out of a folder of jars (a patched or unreleased Kafka).
//
// An image made here keeps the contract of the official apache/kafka image, so
// that a cluster starts the same way from either: KAFKA_* variables become
// properties, CLUSTER_ID names the cluster, storage is formatted at the first
// start, the JVM is process 1 and logs to standard output. It declares no volume:
// the data stays in the container and survives stop, kill and start.
//
// Versions before 3.3 need a ZooKeeper: they are started the same way, without
// CLUSTER_ID and with KAFKA_ZOOKEEPER_CONNECT and KAFKA_BROKER_ID, and their image
// starts a ZooKeeper as well, with ZooKeeperCommand as the container's command.
//
// The package knows nothing of clusters, runs or scenarios. It reports progress
// through a callback and prints nothing.
package images

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Labels on everything that is built here. Label holds what an image is for
// ("kafka" or "base"), so that images can be found and removed by it.
const (
	Label        = "org.idemcheck.image"
	labelRecipe  = "org.idemcheck.image.recipe"
	labelVersion = "org.idemcheck.image.kafka"
	labelBase    = "org.idemcheck.image.base"
)

// ZooKeeperCommand is the command that starts ZooKeeper, instead of a broker, in a
// container of an image whose jars have one: those of Kafka 3.9 and older. It
// listens on port 2181; recipe/zookeeper.sh lists the ZOO_* variables that change
// it. Its data stays in the container.
const ZooKeeperCommand = "/etc/kafka/docker/zookeeper"

// Spec says which Kafka image is wanted.
type Spec struct {
	// Version is a published version, "4.3.1". It may be empty when JarsDir is
	// set: the jars then say which version they are.
	Version string
	// JarsDir is a folder with every jar that a broker needs, such as libs/ of
	// an unpacked release. Empty: fetch the jars of Version from Maven Central.
	JarsDir string
	// Base is an image on this engine that has a Java runtime on its PATH.
	// Empty: the one EnsureBase makes, made now if it is missing.
	Base string
	// Tag is the name of the image. Empty: Reference(Version), to which a folder
	// of jars adds a digest of its content, so that a patched Kafka never takes
	// the name of the published one.
	Tag string
}

// Reference is the name under which Build keeps the image of a published
// version: "idemcheck/kafka:4.3.1".
func Reference(version string) string { return "idemcheck/kafka:" + version }

// Build makes the image and returns its name. It returns at once when an image
// of that name, made by the same recipe from the same jars, is there already.
// progress, which may be nil, hears of every step in one line.
//
// It fails when no engine answers, when the version is not a version number or was
// never published, when the jars cannot be had, when the base image is missing, and
// when the Kafka of the jars does not start. A failed build changes no existing
// name.
func Build(ctx context.Context, s Spec, progress func(string)) (ref string, err error) {
	say := sayer(progress)
	var jars jarSet
	if s.JarsDir != "" {
		if jars, err = readJars(s.JarsDir); err != nil {
			return "", err
		}
		if s.Version != "" && s.Version != jars.version {
			return "", fmt.Errorf("the jars in %s are Kafka %s, not %s: leave the version out, or name the right one", s.JarsDir, jars.version, s.Version)
		}
		s.Version = jars.version
	} else if err := Supported(s.Version); err != nil {
		return "", err
	}
	if s.Tag == "" {
		s.Tag = Reference(s.Version)
		if s.JarsDir != "" {
			s.Tag += "-jars-" + jars.digest[:8]
		}
	}
	e, err := connect(ctx)
	if err != nil {
		return "", err
	}
	defer e.close()

	plan := recipe{version: s.Version, base: s.Base, jarsDigest: jars.digest}
	if plan.base == "" {
		plan.base = BaseReference
	}
	have, err := e.labels(ctx, s.Tag)
	if err != nil {
		return "", err
	}
	if have[Label] == "kafka" && have[labelRecipe] == plan.digest() {
		say("image %s is there already", s.Tag)
		return s.Tag, nil
	}
	if s.Base != "" {
		if ok, err := e.has(ctx, s.Base); err != nil {
			return "", err
		} else if !ok {
			return "", fmt.Errorf("build image %s: the base image %s is not on this engine (nothing is pulled): load it, or leave the base out to have one made from Debian packages", s.Tag, s.Base)
		}
	}
	if s.JarsDir == "" {
		dir, err := os.MkdirTemp("", "idemcheck-jars-")
		if err != nil {
			return "", fmt.Errorf("build image %s: %w", s.Tag, err)
		}
		defer os.RemoveAll(dir)
		begun := time.Now()
		if err := fetchJars(ctx, s.Version, dir, say); err != nil {
			return "", err
		}
		if jars, err = readJars(dir); err != nil {
			return "", err
		}
		say("fetched %d jars of Kafka %s in %s", len(jars.names), s.Version, since(begun))
	}
	// After the jars, which tell within seconds that a version does not exist.
	if s.Base == "" {
		if _, err := EnsureBase(ctx, progress); err != nil {
			return "", err
		}
	}
	if !jars.logs {
		say("these jars have no log4j binding for slf4j: brokers of %s will log nothing", s.Tag)
	}
	begun := time.Now()
	say("building image %s on %s, with a training run for its class-data archives", s.Tag, plan.base)
	if err := e.build(ctx, s.Tag, plan, jars, say); err != nil {
		return "", fmt.Errorf("build image %s: %w", s.Tag, err)
	}
	say("built image %s in %s", s.Tag, since(begun))
	return s.Tag, nil
}

// sayer makes a progress callback out of one that may be nil.
func sayer(progress func(string)) func(format string, args ...any) {
	if progress == nil {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { progress(fmt.Sprintf(format, args...)) }
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }
