package checker

import "github.com/idemcheck/idemcheck/history"

// try is the batch that a client sent last to a partition, and how often in a
// row.
type try struct {
	first int64 // its first record
	times int64 // 0: none yet
	at    int64 // when it was sent last, in ns
}

// attemptCounts sums up how often, and how soon, clients sent a batch again.
type attemptCounts struct {
	most              int64
	leastGap, mostGap int64 // ns between two attempts; 0 where there were none
}

// add takes a request. A batch is the same where its first record is: clients
// may cut it anew before they try again.
func (a *attemptCounts) add(t *try, ev *history.WireEvent) {
	if t.times == 0 || t.first != ev.First {
		*t = try{first: ev.First, times: 1, at: ev.At}
	} else {
		gap := max(ev.At-t.at, 1)
		if a.leastGap == 0 || gap < a.leastGap {
			a.leastGap = gap
		}
		a.mostGap = max(a.mostGap, gap)
		t.times, t.at = t.times+1, ev.At
	}
	a.most = max(a.most, t.times)
}
