package drivertest

import (
	"context"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func transactionCases() []Case {
	return []Case{
		{Name: "transactions", Why: "what was committed is there for readers of committed records, what was aborted is not, and done comes after the answers", run: transactions},
		{Name: "fencing", Why: "a second producer with the same transactional id ends the first one's right to commit, and the first one says so", run: fencing},
		{Name: "no-transaction", Why: "a transaction's command to a producer without a transactional id is an error, and no end", run: noTransaction},
	}
}

func transactional(id string) func(*driver.Options) {
	return func(o *driver.Options) { o.TransactionalID, o.TransactionTimeoutMS, o.Idempotence = id, 30_000, true }
}

func transactions(ctx context.Context, t *trial) error {
	d, err := t.openWith(ctx, transactional("drivertest"))
	if err != nil {
		return err
	}
	want := make(map[int64]Txn)
	for _, end := range []struct {
		command string
		as      Txn
	}{{driver.Commit, Committed}, {driver.Abort, Aborted}, {driver.Commit, Committed}} {
		if _, err := d.does(ctx, driver.Begin); err != nil {
			return t.told(d, err)
		}
		records := append(d.values(6, 0, 0), d.values(4, 1, 0)...)
		if err := d.send(ctx, records...); err != nil {
			return t.told(d, err)
		}
		for _, r := range records {
			want[r.ID] = end.as
		}
		if end.as == Aborted {
			// What was never sent leaves no trace to look for.
			if err := d.answered(ctx, toAnswer); err != nil {
				return t.told(d, err)
			}
		}
		q, err := d.does(ctx, end.command)
		if err != nil {
			return t.told(d, err)
		}
		if err := d.after(q, records); err != nil {
			return t.told(d, err)
		}
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	if err := t.verify(ctx, true); err != nil {
		return err
	}
	c, err := t.stored(ctx)
	if err != nil {
		return err
	}
	for _, r := range d.order {
		found := c.of(r)
		switch {
		case want[r.ID] == Committed && r.failed != nil:
			return t.told(d, broken(ruleTxn, "record %d failed (%s), and its transaction was committed", r.ID, r.failed.Message))
		case len(found) == 0 && want[r.ID] == Committed:
			return t.told(d, broken(ruleTxn, "record %d is not in the log, and its transaction was committed", r.ID))
		case len(found) > 0 && found[0].Txn != want[r.ID]:
			return t.told(d, broken(ruleTxn, "record %d stands in the log as %s, and should be %s", r.ID, found[0].Txn, want[r.ID]))
		}
	}
	return nil
}

// String says it in a word.
func (x Txn) String() string {
	return [...]string{"outside any transaction", "in an open transaction", "committed", "aborted"}[x]
}

// after says whether the reply came behind the answers of records.
func (d *driven) after(q question, records []driver.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range records {
		if got := d.records[r.ID]; !got.answered() || got.heard >= q.heard {
			return broken(ruleTxn, "done for %s came before the answer of record %d, which was sent in the transaction", q.command, r.ID)
		}
	}
	return nil
}

// fencing has a second driver take the transactional id over, and the first one
// commit.
func fencing(ctx context.Context, t *trial) error {
	first, err := t.openWith(ctx, transactional("drivertest"))
	if err != nil {
		return err
	}
	if _, err := first.does(ctx, driver.Begin); err != nil {
		return t.told(first, err)
	}
	if err := first.ackedBy(ctx, 1); err != nil {
		return t.told(first, err)
	}
	second, err := t.openWith(ctx, transactional("drivertest"))
	if err != nil {
		return err
	}
	// The second commits first: kfake takes a commit under the epoch just before
	// the current one for a repetition of the last.
	if _, err := second.does(ctx, driver.Begin); err != nil {
		return t.told(second, err)
	}
	if err := second.send(ctx, second.values(1, 0, 0)...); err != nil {
		return t.told(second, err)
	}
	if _, err := second.does(ctx, driver.Commit); err != nil {
		return t.told(second, err)
	}
	id, err := first.ask(ctx, driver.Commit)
	if err != nil {
		return t.told(first, err)
	}
	q, err := first.replied(ctx, id, toAnswer)
	switch {
	case err != nil:
		return t.told(first, err)
	case q.done:
		return t.told(first, broken(ruleTxnReady, "a second driver was ready with the same transactional id, and the first could still commit"))
	case !q.failed.Fenced:
		return t.told(first, broken(ruleFenced, "another producer has the transactional id, and the error of commit does not say fenced: %s: %s", q.failed.Class, q.failed.Message))
	}
	for _, d := range []*driven{first, second} {
		if err := d.close(ctx); err != nil {
			return t.told(d, err)
		}
	}
	return t.verify(ctx, true)
}

func noTransaction(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	id, err := d.ask(ctx, driver.Begin)
	if err != nil {
		return t.told(d, err)
	}
	q, err := d.replied(ctx, id, toAnswer)
	if err != nil {
		return t.told(d, err)
	}
	if q.done {
		return t.told(d, broken(ruleTxn, "begin is done, and the producer has no transactional id"))
	}
	if err := d.send(ctx, d.values(1, 0, 0)...); err != nil {
		return t.told(d, err)
	}
	return t.orderly(ctx, d, toAnswer)
}
