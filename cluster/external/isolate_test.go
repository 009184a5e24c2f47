package external

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/idemcheck/idemcheck/cluster"
)

// isolator is a cluster of so many brokers, whose hooks write down how they were called.
func isolator(t *testing.T, brokers int, isolate string) (c *Cluster, calls func() string) {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	file := filepath.Join(t.TempDir(), "calls")
	note := fmt.Sprintf(` $BROKER_ID "$PEERS" $WAY >> %s`, file)
	c, err = Find(t.Context(), Config{Bootstrap: fake.ListenAddrs(), Hooks: &Hooks{Isolate: "echo isolate" + note + isolate, Heal: "echo heal" + note}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c, func() string {
		text, _ := os.ReadFile(file)
		_ = os.Remove(file)
		return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", ", ")
	}
}

func TestHooksAreToldWhoIsCutOffFromWhomAndWhichWay(t *testing.T) {
	c, calls := isolator(t, 3, "")
	if !c.Has(cluster.CanIsolate) {
		t.Fatal("it cannot isolate")
	}
	for want, cut := range map[string]cluster.Cut{
		"1 0 2 both": {Broker: 1, In: true, Out: true},
		"0 1 2 in":   {Broker: 0, In: true},
		"2 0 out":    {Broker: 2, Peers: []int32{0}, Out: true},
	} {
		heal, err := c.Isolate(t.Context(), cut)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing left to heal
			if err := heal(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if got := calls(); got != "isolate "+want+", heal "+want {
			t.Errorf("called were %q, want %q", got, want)
		}
	}
}

func TestAnIsolationThatFailedIsHealed(t *testing.T) {
	c, calls := isolator(t, 2, "; echo half of it; false")
	_, err := c.Isolate(t.Context(), cluster.Cut{Broker: 1, In: true, Out: true})
	if err == nil || !strings.Contains(err.Error(), "isolate broker 1: hook isolate: exit status 1; it said: half of it") {
		t.Error(err)
	}
	if got := calls(); got != "isolate 1 0 both, heal 1 0 both" {
		t.Errorf("called were %q", got)
	}
}

func TestACutThatCutsNothingIsRefused(t *testing.T) {
	c, calls := isolator(t, 2, "")
	for says, cut := range map[string]cluster.Cut{
		"no such broker":  {Broker: 7, In: true},
		"from broker 9":   {Broker: 1, Peers: []int32{0, 9}, In: true},
		"no other broker": {Broker: 1, Peers: []int32{1}, In: true},
		"neither way":     {Broker: 1},
	} {
		if _, err := c.Isolate(t.Context(), cut); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", cut, err, says)
		}
	}
	if got := calls(); got != "" {
		t.Errorf("called were %q", got)
	}
	if alone, _ := isolator(t, 1, ""); alone.Has(cluster.CanIsolate) {
		t.Error("a broker alone can be isolated")
	}
}
