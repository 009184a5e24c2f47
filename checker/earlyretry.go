package checker

import (
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

const promiseRetryBackoff = "a batch that a broker refuses is sent again no sooner than retry.backoff.ms says, less a jitter of 20 % (Kafka documentation, retry.backoff.ms; KIP-580)"

// answeredAtOnce is how soon (ns) a refusal must come for its client to be still
// waiting for it, whatever its request timeout.
const answeredAtOnce = int64(500 * time.Millisecond)

// refusal is the last answer of a lane, if it asked the client to try again.
type refusal struct {
	first, at, conn int64
	code            int16 // 0: it did not
}

// asksToWait says whether a code means "try again in a while": the retriable
// ones that neither splitting a batch nor a new epoch answers.
func asksToWait(code int16) bool {
	switch code {
	case 3, 5, 6, 7, 19, 20, 56:
		return true
	}
	return false
}

// refuse takes the answer to a request of a moment ago.
func (l *laneWire) refuse(ev *history.WireEvent, sent int64) {
	l.refusal = refusal{}
	if asksToWait(ev.Error) && sent > 0 && ev.At-sent < answeredAtOnce {
		l.refusal = refusal{ev.First, ev.At, ev.Conn, ev.Error}
	}
}

// checkBackoff holds a retry against the pause that the client was told to make.
// Only the plain case counts: the same batch, on the connection that its refusal
// came by, so that no timeout, reconnect or new leader explains it. Half of the
// pause leaves room for the jitter of 20 % that clients may take (KIP-580).
func (j *journal) checkBackoff(l *laneWire, ev *history.WireEvent) {
	r := l.refusal
	if r.code == 0 || r.first != ev.First {
		return
	}
	l.refusal = refusal{}
	p := j.process[ev.Process]
	waited := ev.At - r.at
	if r.conn != ev.Conn || !p.Maps("retry_backoff") || waited >= int64(p.RetryBackoff/2) {
		return
	}
	j.client.add(EarlyRetry, CauseNoBackoff, ev, func() (string, []history.WireEvent) {
		return fmt.Sprintf("client %q was answered %s to %s by broker %d, and sent it again to the same broker %.1f ms later, where retry_backoff is %s: a client that does not wait uses its retries up before a leader can change",
			ev.ClientID, codeName(r.code), batchOf(*ev), ev.Broker, float64(waited)/1e6, p.RetryBackoff), []history.WireEvent{*ev}
	})
}
