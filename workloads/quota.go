package workloads

import "context"

// quota is how much one producer still has to send, and when.
type quota struct {
	env        Env
	pace       *pacer
	sent, tail int
}

func newQuota(env Env) *quota { return &quota{env: env, pace: newPacer(env.Plan.Rate)} }

// more says whether anything is left: planned records, or a tail.
func (q *quota) more() bool { return q.sent < q.env.Plan.Records || q.tail < q.env.Plan.Tail }

// wait waits until the next record's turn, and counts it.
func (q *quota) wait(ctx context.Context) error {
	if err := q.pace.wait(ctx); err != nil {
		return err
	}
	q.count()
	return nil
}

// also counts n more records, which the same call took along, and puts the next
// turn off accordingly.
func (q *quota) also(n int) {
	for range n {
		q.pace.skip()
		q.count()
	}
}

func (q *quota) count() {
	q.sent++
	if q.tail++; q.env.Plan.Tail > 0 && !q.env.Calm() {
		q.tail = 0
	}
}
