package claims

import (
	"errors"
	"fmt"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// Sample is what one run measures, by name. Every measure but the rate is in
// microseconds from the call of a record to its acknowledgement.
type Sample map[string]float64

// Names of what is measured.
const (
	measRate = "records_per_s"
	measP50  = "latency_p50_us"
	measP95  = "latency_p95_us"
	measP99  = "latency_p99_us"
	measP999 = "latency_p999_us"
)

// Measures lists what a row that is measured can compare.
func Measures() []Figure {
	return []Figure{
		{measRate, "records acknowledged per second, from the first call to the last acknowledgement (of a row that is measured)"},
		{measP50, "median time from a record's call to its acknowledgement, in microseconds (of a row that is measured)"},
		{measP95, "95th percentile of that"},
		{measP99, "99th percentile of that"},
		{measP999, "99.9th percentile of that"},
	}
}

// Measure reads the times off a run: of the records that were sent after the
// warm-up and acknowledged.
func Measure(run *history.Run) (Sample, error) {
	began, ended := int64(-1), int64(0)
	for _, p := range run.Manifest.Phases {
		if p.Name == "send" {
			began = p.Start
		}
	}
	if began < 0 {
		return nil, errors.New("measure: nothing was sent")
	}
	var took []int64
	for op, err := range run.AllOps() {
		if err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
		if op.Call >= began && op.Outcome == history.Acked {
			took = append(took, op.Return-op.Call)
			ended = max(ended, op.Return)
		}
	}
	if len(took) == 0 {
		return nil, errors.New("measure: nothing was acknowledged")
	}
	slices.Sort(took)
	at := func(permille int) float64 { return float64(took[(len(took)-1)*permille/1000]) / 1e3 }
	return Sample{
		measRate: float64(len(took)) / (float64(ended-began) / 1e9),
		measP50:  at(500), measP95: at(950), measP99: at(990), measP999: at(999),
	}, nil
}
