package linear

import (
	"fmt"
	"math"

	"github.com/idemcheck/idemcheck/history"
)

// CrossCheck judges partitions the plain way: a table of all ops, a table of
// all copies, and porcupine for the order. The zero value is ready for use and
// safe for use by several goroutines.
type CrossCheck struct{}

// Partition judges one partition; see checker.CrossCheck for the contract. It
// takes memory for every op.
func (CrossCheck) Partition(ops map[int32]*history.OpBlock, log *history.LogBlock, unproven map[int32]bool, whole bool) (map[string]int64, error) {
	type entry struct {
		call, ret int64
		outcome   history.Outcome
		copies    int
	}
	table := make(map[Record]*entry)
	for process, block := range ops {
		for i, number := range block.Number {
			e := &entry{call: block.Call[i], ret: block.Return[i], outcome: block.Outcome[i]}
			if e.outcome != history.Acked || unproven[process] {
				e.ret = math.MaxInt64
			}
			id := Record{process, number}
			if table[id] != nil {
				return nil, fmt.Errorf("process %d has two ops with number %d", process, number)
			}
			table[id] = e
		}
	}
	counts := make(map[string]int64)
	order := newWindows(windowOps, carriedOps)
	for i, number := range log.Number {
		if log.Standing[i] != history.Intact {
			continue
		}
		e := table[Record{log.Process[i], number}]
		if e == nil {
			counts["unsent"]++
			continue
		}
		if e.copies++; e.copies > 1 {
			counts["duplicate"]++
			continue
		}
		if e.outcome == history.Failed {
			counts["failed-visible"]++
		}
		order.add(ranked{e.call, e.ret})
	}
	for id, e := range table {
		if whole && e.copies == 0 && e.outcome == history.Acked && !unproven[id.Process] {
			counts["lost"]++
		}
	}
	if !order.finish() {
		counts["stale-order"] = 1
	}
	return counts, nil
}
