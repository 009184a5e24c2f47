package conformance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

const (
	// caseLimit bounds one conversation, restarts included.
	caseLimit = 2 * time.Minute
	// besides is how many cases are held at once; most of their time is waiting
	// for topics.
	besides = 8
)

// Run holds cases on a target and returns a cell for each, in their order. Cases
// that disturb nobody are held side by side, then the others one by one. told,
// which may be nil, gets every cell as it is there. The error says that nothing
// could be asked of any broker; a case that can't be held is a cell that says so.
func Run(ctx context.Context, on *Target, cases []Case, told func(Case, matrix.Cell)) ([]matrix.Cell, error) {
	if err := on.learn(ctx); err != nil {
		return nil, err
	}
	cells := make([]matrix.Cell, len(cases))
	var telling sync.Mutex
	one := func(i int) {
		cells[i] = holdCase(ctx, on, cases[i])
		if told != nil {
			telling.Lock()
			defer telling.Unlock()
			told(cases[i], cells[i])
		}
	}
	var group sync.WaitGroup
	places := make(chan struct{}, besides)
	for i, c := range cases {
		if c.alone {
			continue
		}
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			one(i)
		})
	}
	group.Wait()
	for i, c := range cases {
		if c.alone {
			one(i)
		}
	}
	return cells, ctx.Err()
}

// holdCase holds one case, in every version of Produce where it is for that.
func holdCase(ctx context.Context, on *Target, c Case) matrix.Cell {
	if lack := on.lacks(c.needs); lack != "" {
		return matrix.Cell{Case: c.Number, Verdict: matrix.NotApplicable, Reason: lack}
	}
	if err := ctx.Err(); err != nil {
		return matrix.Cell{Case: c.Number, Verdict: matrix.Error, Reason: fmt.Sprintf("not held: %v", context.Cause(ctx))}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, caseLimit, fmt.Errorf("the conversation took longer than %s", caseLimit))
	defer cancel()
	cell := hold(ctx, on, c)
	if cell.Verdict == matrix.Pass { // nobody looks for the bytes of what went well
		for i := range cell.Steps {
			cell.Steps[i].Frames = nil
		}
	}
	return cell
}
