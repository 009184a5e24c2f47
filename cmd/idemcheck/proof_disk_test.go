package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/cluster/docker"
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
