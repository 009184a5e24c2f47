package main

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func TestCutAfterAppendLosesAcknowledgementsOfAppendedBatches(t *testing.T) {
	p := prove(t, onBrokers, "faults/cut-after-append", nil)
	cut := p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireAnswer && e.Action == history.ActionCut && e.Error == 0
	})
	if len(cut) < 10 {
		t.Errorf("%d answers that tell of an append were cut, want 10", len(cut))
	}
}
