package images

import (
	"context"
	"fmt"

	"github.com/idemcheck/idemcheck/history/version"
	"github.com/idemcheck/idemcheck/maven"
)

// lines are the artifacts of the broker, one for each Scala that some release is
// taken for, with a version that is known of each.
var lines = [...]maven.Artifact{
	{Group: "org.apache.kafka", Name: "kafka_2.12", Known: "2.3.1"},
	{Group: "org.apache.kafka", Name: "kafka_2.13", Known: "4.3.1"},
}

// oldestRun is the oldest Kafka that clusters are run of.
const oldestRun = "0.11.0.0"

// Versions lists the versions of Kafka that can be asked for: what the Maven
// repositories of the user's settings have, oldest first, from 0.11 on,
// pre-releases left out. That one is listed does not mean that all its jars are
// there, or that it starts: Build finds out.
func Versions(ctx context.Context) ([]string, error) {
	listed, err := maven.Versions(ctx, lines[:]...)
	if err != nil {
		return nil, fmt.Errorf("list the versions of Kafka: %w", err)
	}
	var all []string
	for i, line := range lines {
		all = append(all, takenFrom(line, listed[i])...)
	}
	return version.Sort(all), nil
}

// takenFrom keeps the versions whose broker is the artifact of that line: most
// were published for several Scalas.
func takenFrom(line maven.Artifact, listed []string) []string {
	var kept []string
	for _, v := range listed {
		r, err := parseRelease(v)
		if err != nil || !version.Stable(v) || version.Compare(v, oldestRun) < 0 {
			continue
		}
		if r.artifacts(v)[0] == line.Group+":"+line.Name+":"+v {
			kept = append(kept, v)
		}
	}
	return kept
}
