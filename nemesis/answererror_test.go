package nemesis

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

func inARow(batches int64, appended bool) history.PlannedFault {
	f := planned(AnswerError, history.TriggerRequests, 2)
	f.Knobs = history.Knobs{Error: 7, Append: appended, Batches: batches, Delay: 40 * time.Millisecond}
	return f
}

func TestARowOfErrorsIsOfOneProducerAndPartition(t *testing.T) {
	for name, appended := range map[string]bool{"withheld": false, "appended": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			n := begin(t, w, inARow(3, appended), planned(MoveLeader, history.TriggerFaultEnd, 0))
			verb, passes := proxy.Refuse, proxy.Pass
			if appended {
				verb = proxy.Rewrite
			}
			// told is the decision on one exchange; the broker answers code.
			told := func(e *proxy.Exchange, code int16) proxy.Decision {
				d := n.OnRequest(e)
				if d.Verb != proxy.Pass {
					return d
				}
				for i := range e.Batches {
					e.Batches[i].Error = code
				}
				return n.OnAnswer(e)
			}
			var fr frames
			for i, c := range []struct {
				exchange *proxy.Exchange
				want     proxy.Verb
				batch    int
			}{
				{fr.next(0, 1), passes, 0},   // before its trigger
				{fr.next(0, 1), verb, 0},     // the second batch brings it
				{fr.next(0, 0), passes, 0},   // another partition
				{fr.next(1, 1), passes, 0},   // another producer
				{fr.on(7, 0, 0, 1), verb, 1}, // on another connection, beside another partition
				{fr.next(0, 1), verb, 0},     // the third
				{fr.next(0, 1), passes, 0},   // no more
				{fr.next(0, 1), passes, 0},   // nor later
			} {
				d := told(c.exchange, 0)
				if d.Verb != c.want || d.Verb != proxy.Pass && (d.Codes[c.batch] != 7 || len(d.Codes) != 1 || d.For != 40*time.Millisecond) {
					t.Errorf("exchange %d: %+v, want verb %v of batch %d", i, d, c.want, c.batch)
				}
			}
			w.awaits(t, 1, "started") // what waits for its end
			n.Heal()
			n.Report()
			if last := w.journal(0)[1]; last.Hits.Requests != 3 || last.Detail != "" {
				t.Errorf("%+v", last)
			}
		})
	}
}

func TestARowOfErrorsDoesNotCountRefusalsOfTheBroker(t *testing.T) {
	w := newWorld()
	n := begin(t, w, inARow(2, true))
	var fr frames
	for i, c := range []struct {
		code int16
		want proxy.Verb
	}{{0, proxy.Pass}, {0, proxy.Rewrite}, {6, proxy.Pass}, {0, proxy.Rewrite}, {0, proxy.Pass}} {
		e := fr.next(0, 0)
		n.OnRequest(e)
		e.Batches[0].Error = c.code
		if d := n.OnAnswer(e); d.Verb != c.want {
			t.Errorf("answer %d: %+v, want verb %v", i, d, c.want)
		}
	}
	n.Heal()
}

// A row that no batch comes to any more must not keep a run from ending, nor
// those who wait for a quiet moment.
func TestARowThatIsNotFinishedHoldsNobodyUp(t *testing.T) {
	w := newWorld()
	n := begin(t, w, inARow(5, false))
	var fr frames
	n.OnRequest(fr.next(0, 0))
	if d := n.OnRequest(fr.next(0, 0)); d.Verb != proxy.Refuse {
		t.Fatalf("%+v", d)
	}
	if s := n.Standing(); s != Undisturbed || !n.Calm() {
		t.Errorf("standing %v, calm %v", s, n.Calm())
	}
	began := time.Now()
	if err := n.Settle(context.Background(), func() int64 { return 0 }); err != nil || time.Since(began) > time.Second {
		t.Errorf("settled after %s: %v", time.Since(began), err)
	}
	n.Heal()
	if d := n.OnRequest(fr.next(0, 0)); d.Verb != proxy.Pass {
		t.Errorf("healed: %+v", d)
	}
	n.Report()
	if last := w.journal(0)[1]; last.Status != history.FaultEnded || !strings.Contains(last.Detail, "1 of 5 batches") {
		t.Errorf("%+v", last)
	}
}
