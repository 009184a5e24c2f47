package provision

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// Without a registry nothing can be built: these tests say so, loudly.
func TestEachLibraryIsBuiltOnceAndThenAtHand(t *testing.T) {
	want := os.Getenv("IDEMCHECK_PROVISION")
	if want == "" {
		t.Skip("IDEMCHECK_PROVISION is not set: no client library is built (it wants a list like kafkajs@2.2.4,sarama, or all)")
	}
	var specs []string
	if want == "all" {
		for _, l := range All() {
			specs = append(specs, l.Name)
		}
	} else {
		specs = strings.Split(want, ",")
	}
	dir, err := DefaultDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		t.Run(spec, func(t *testing.T) {
			name, version := Split(spec)
			ctx, cancel := context.WithTimeout(t.Context(), buildLimit)
			defer cancel()
			c := Cache{Dir: dir, Progress: func(line string) { t.Log(line) }}
			if _, err := c.Driver(ctx, name, version); err != nil {
				t.Fatal(err)
			}
			c.Offline = true
			began := time.Now()
			again, err := c.Driver(ctx, name, version)
			if err != nil || again.Took != 0 || len(again.Command) == 0 {
				t.Errorf("%+v, %v", again, err)
			}
			t.Logf("warm after %s: %s", time.Since(began), again.Command)
		})
	}
}
