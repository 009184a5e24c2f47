package images

import (
	"fmt"
	"regexp"
	"strconv"
)

// OldestMajor and OldestMinor are the first Kafka release whose jars hold the
// official image's translation of variables to properties
// (kafka.docker.KafkaDockerWrapper, KIP-975).
const (
	OldestMajor = 3
	OldestMinor = 7
)

var versionForm = regexp.MustCompile(`^(\d{1,3})\.(\d{1,3})\.\d{1,3}(\.\d{1,3})?(-[A-Za-z0-9][A-Za-z0-9.-]*)?$`)

// Supported says whether an image of that Kafka version can be made: nil, or an
// error that tells the user what is wrong with the version. It does not look
// whether such a version was ever published.
func Supported(version string) error {
	if version == "" {
		return fmt.Errorf("no Kafka version was named: write one like 4.3.1")
	}
	m := versionForm.FindStringSubmatch(version)
	if m == nil {
		return fmt.Errorf("%q is not a Kafka version: write it like 4.3.1", version)
	}
	major, _ := strconv.Atoi(m[1]) // at most three digits, by the pattern
	minor, _ := strconv.Atoi(m[2])
	if major < OldestMajor || major == OldestMajor && minor < OldestMinor {
		return fmt.Errorf("Kafka %s is too old to make an image of: versions before %d.%d cannot be configured by KAFKA_* variables; use %d.%d.0 or later", //nolint:staticcheck // a product's name
			version, OldestMajor, OldestMinor, OldestMajor, OldestMinor)
	}
	return nil
}
