package history

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// KafkaVersion is a version of Kafka that can be compared with others. Its zero
// value is no version, and older than any.
type KafkaVersion struct {
	text  string
	parts []int
}

// kafkaForm: three numbers, four before 1.0, and perhaps a suffix like -rc1.
var kafkaForm = regexp.MustCompile(`^(\d{1,3}(?:\.\d{1,3}){2,3})(-[A-Za-z0-9][A-Za-z0-9.-]*)?$`)

// ParseKafkaVersion reads a version like 4.3.1 or 0.11.0.3. That it was ever
// published is not looked into.
func ParseKafkaVersion(text string) (KafkaVersion, error) {
	m := kafkaForm.FindStringSubmatch(text)
	if m == nil {
		return KafkaVersion{}, fmt.Errorf("%q is not a Kafka version: write it like 4.3.1", text)
	}
	v := KafkaVersion{text: text}
	for _, part := range strings.Split(m[1], ".") {
		n, _ := strconv.Atoi(part) // at most three digits, by the pattern
		v.parts = append(v.parts, n)
	}
	return v, nil
}

// String returns the version as it was written.
func (v KafkaVersion) String() string { return v.text }

// Compare orders versions by their numbers; a suffix plays no part in it.
func (v KafkaVersion) Compare(other KafkaVersion) int { return slices.Compare(v.parts, other.parts) }

// From says whether the version is major.minor or later.
func (v KafkaVersion) From(major, minor int) bool {
	return slices.Compare(v.parts, []int{major, minor}) >= 0
}

// KRaft says whether a cluster of this version needs no ZooKeeper: the first
// for production is 3.3 (KIP-833).
func (v KafkaVersion) KRaft() bool { return v.From(3, 3) }
