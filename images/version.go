package images

import (
	"fmt"
	"regexp"
	"strconv"
)

var versionForm = regexp.MustCompile(`^(\d{1,3})\.(\d{1,3})\.\d{1,3}(\.\d{1,3})?(-[A-Za-z0-9][A-Za-z0-9.-]*)?$`)

// Supported says whether an image of that Kafka version can be asked for: nil, or
// an error that tells the user what is wrong with the version. It does not look
// whether such a version was ever published: Build does, and refuses no other.
func Supported(version string) error {
	_, err := parseRelease(version)
	return err
}

// release is the part of a version that says how its Kafka is fetched and started.
type release struct{ major, minor int }

func parseRelease(version string) (release, error) {
	if version == "" {
		return release{}, fmt.Errorf("no Kafka version was named: write one like 4.3.1")
	}
	m := versionForm.FindStringSubmatch(version)
	if m == nil {
		return release{}, fmt.Errorf("%q is not a Kafka version: write it like 4.3.1", version)
	}
	major, _ := strconv.Atoi(m[1]) // at most three digits, by the pattern
	minor, _ := strconv.Atoi(m[2])
	return release{major, minor}, nil
}

// from says whether r is major.minor or later.
func (r release) from(major, minor int) bool {
	return r.major > major || r.major == major && r.minor >= minor
}

// kraft says whether a broker needs no ZooKeeper: KRaft is complete from 3.3 on
// (KIP-833). A broker of 2.8 to 3.2 can be told process.roles as well, as a preview.
func (r release) kraft() bool { return r.from(3, 3) }

// log4j2 says whether Kafka logs through log4j 2 (from 4.0, KIP-653) and not log4j 1.
func (r release) log4j2() bool { return r.from(4, 0) }

// artifacts are the published ones that, with all they depend on, make a broker of
// that version that can run on Java 17: each GROUP:NAME:VERSION.
func (r release) artifacts(version string) []string {
	// The newest Scala that every release of the line was compiled for.
	scala := "2.13"
	switch {
	case !r.from(0, 11):
		scala = "2.11"
	case !r.from(2, 4):
		scala = "2.12"
	}
	all := []string{"org.apache.kafka:kafka_" + scala + ":" + version}
	if r.from(0, 9) { // older ones have no such part
		all = append(all, "org.apache.kafka:kafka-tools:"+version)
	}
	if !r.from(1, 0) {
		// These use parts of Java that Java 11 left out.
		all = append(all, "javax.xml.bind:jaxb-api:2.3.1", "javax.activation:javax.activation-api:1.2.0")
	}
	return all
}
