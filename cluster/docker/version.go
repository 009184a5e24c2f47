package docker

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Capabilities lists what a cluster of that version of Kafka can do, given more
// than one broker. The zero version stands for one that is not known: nothing
// is denied to it.
func Capabilities(kafka history.KafkaVersion) []cluster.Capability {
	can := []cluster.Capability{cluster.CanPower, cluster.CanReplicate, cluster.CanIsolate, cluster.CanConfigure}
	since := func(major, minor int, capability cluster.Capability) {
		if kafka.String() == "" || kafka.From(major, minor) {
			can = append(can, capability)
		}
	}
	// Reassignment (KIP-455) and election (KIP-460) by request; before 2.4
	// they were written into ZooKeeper.
	since(2, 4, cluster.CanMoveLeader)
	// Before, brokers look for idle producer ids every ten minutes (KIP-854).
	since(3, 4, cluster.CanExpire)
	// Without a ZooKeeper; see Upgrade.
	since(3, 3, cluster.CanUpgrade)
	if DiskLack() == nil {
		can = append(can, cluster.CanDisk)
	}
	return can
}

// errNoVersion is returned for an image that nobody can tell the version of.
var errNoVersion = errors.New("nothing says which Kafka it is: name the version with --kafka, or give the image a tag that begins with it")

var (
	// archiveVersion is in the address of the release that an official image
	// was built from.
	archiveVersion = regexp.MustCompile(`kafka_2\.\d+-(.+)\.tgz$`)
	// tagVersion is a version at the start of a tag.
	tagVersion = regexp.MustCompile(`:(\d+(?:\.\d+){2,3})[^/:@]*(?:@|$)`)
)

// ImageVersion asks an image that is on this machine which Kafka it holds.
func ImageVersion(ctx context.Context, reference string) (history.KafkaVersion, error) {
	provider, err := connect(ctx)
	if err != nil {
		return history.KafkaVersion{}, err
	}
	defer provider.Close()
	found, err := inspectImage(ctx, provider.Client(), reference)
	if err != nil {
		return history.KafkaVersion{}, err
	}
	return versionOf(found, "")
}

// versionOf finds out which Kafka an image holds: by its label if it was built
// here, by the release it was built from if it is an official one, else by
// what the user says, else by its tag.
func versionOf(i image, asked string) (history.KafkaVersion, error) {
	said := i.kafka
	switch {
	case said != "" && asked != "" && said != asked:
		return history.KafkaVersion{}, fmt.Errorf("image %s holds Kafka %s, not %s: leave --kafka out, or name the right one", i.reference, said, asked)
	case said == "":
		said = asked
	}
	if said == "" {
		if m := tagVersion.FindStringSubmatch(i.reference); m != nil {
			said = m[1]
		}
	}
	if said == "" {
		return history.KafkaVersion{}, fmt.Errorf("image %s: %w", i.reference, errNoVersion)
	}
	return history.ParseKafkaVersion(said)
}
