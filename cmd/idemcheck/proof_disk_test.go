package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/history"
)

func TestABrokerWithAFullDiskRunsOutOfSpace(t *testing.T) {
	if err := docker.DiskLack(); err != nil {
		t.Skipf("brokers can have no disks of their own here: %v", err)
	}
	p := prove(t, onBrokers, "faults/full-disk", nil)
	logs, err := filepath.Glob(filepath.Join(p.run.Dir, "broker", "*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs of brokers: %v", err)
	}
	for _, path := range logs {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "No space left on device") {
			return
		}
	}
	t.Errorf("no broker found its disk full: none of %v says so", logs)
}

func TestABrokerOnASlowDiskAnswersLate(t *testing.T) {
	if err := docker.DiskLack(); err != nil {
		t.Skipf("brokers can have no disks of their own here: %v", err)
	}
	p := prove(t, onBrokers, "faults/slow-disk", nil)
	end := p.ended(t, "slow-disk")
	asked := map[[2]int64]int64{}
	var before, during []int64 // ns from request to answer, as the proxy saw them
	for _, e := range p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireRequest || e.Kind == history.WireAnswer }) {
		key := [2]int64{e.Conn, int64(e.Correlation)}
		switch at := asked[key]; {
		case e.Kind == history.WireRequest:
			asked[key] = e.At
		case e.At < end.Asked:
			before = append(before, e.At-at)
		case at > end.Asked && at < end.HealAsked:
			during = append(during, e.At-at)
		}
	}
	if len(before) < 20 || len(during) < 5 {
		t.Fatalf("%d answers before the disk got slow, %d meanwhile", len(before), len(during))
	}
	slices.Sort(before)
	slices.Sort(during)
	usual, slow := before[len(before)/2], during[len(during)/2]
	t.Logf("median %d ms, usually %d ms", slow/1e6, usual/1e6)
	if slow < 5*usual || slow < 200_000_000 {
		t.Errorf("on the slow disk the median answer takes %d ms, usually %d ms", slow/1e6, usual/1e6)
	}
}
