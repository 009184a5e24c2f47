package images

import (
	"slices"
	"testing"
)

func TestAVersionOfKafkaIsTakenOfOneScala(t *testing.T) {
	listed := []string{"0.10.2.2", "0.11.0.3", "1.0.0", "2.3.1", "2.4.0", "3.9.0-rc1", "3.9.2", "4.3.1", "odd"}
	for i, want := range [][]string{{"0.11.0.3", "1.0.0", "2.3.1"}, {"2.4.0", "3.9.2", "4.3.1"}} {
		if got := takenFrom(lines[i], listed); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", lines[i].Name, got, want)
		}
		// The one by which Maven is asked must be one that Build takes.
		if known := lines[i].Known; !slices.Equal(takenFrom(lines[i], []string{known}), []string{known}) {
			t.Errorf("%s is not taken for %s", lines[i].Name, known)
		}
	}
}
