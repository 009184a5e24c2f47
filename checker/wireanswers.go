package checker

import "github.com/idemcheck/idemcheck/history"

// heldAnswer is an answer that has come to the proxy and not gone on yet.
type heldAnswer struct {
	answer history.WireEvent
	sent   int64 // when its request was
}

func (j *journal) answer(ev *history.WireEvent) {
	j.n.answers++
	if ev.Error == 0 {
		j.n.noError++
	} else {
		j.n.byCode[ev.Error]++
	}
	t := j.tp(ev)
	sent := j.conn(ev).landed(ev.Correlation)
	if l := t.lanes.get(ev.Process); l != nil {
		l.last = *ev
		if brokerCode(ev) == 0 {
			l.unsent.stored(ev)
		}
	}

	j.ofZombie(ev)
	code := brokerCode(ev)
	if notReady(code) {
		t.refused = ev.At
	}
	if ev.Action == history.ActionForged {
		j.n.forgedAnswers++
		j.forged = true
	}
	if code == 0 {
		j.appended(ev)
		j.story.acknowledged(ev)
	}
	j.checkAnswer(ev, code)
	switch ev.Action {
	case history.ActionPassed, history.ActionForged:
		j.delivered(ev, sent)
	case history.ActionHeld:
		if code == 0 {
			j.n.heldAcks++
		}
		j.held[answerKey{ev.Conn, ev.Correlation, tpOf(ev)}] = heldAnswer{*ev, sent}
	default:
		j.undelivered(ev)
	}
}

func (j *journal) release(ev *history.WireEvent) {
	key := answerKey{ev.Conn, ev.Correlation, tpOf(ev)}
	kept, ok := j.held[key]
	if !ok {
		// Passed on before, and now known never to have left the proxy.
		if ev.Action == history.ActionDropped {
			j.undelivered(ev)
		}
		return
	}
	delete(j.held, key)
	if ev.Action != history.ActionPassed && ev.Action != history.ActionForged {
		j.undelivered(&kept.answer)
		return
	}
	j.n.heldDelivered++
	if ev.Action == history.ActionForged {
		j.n.forgedAnswers++
		j.forged = true
	}
	j.delivered(ev, kept.sent)
}

// appended notes who leads the partition.
func (j *journal) appended(ev *history.WireEvent) {
	t := j.tp(ev)
	if t.leader >= 0 && t.leader != ev.Broker {
		j.n.leaderChanges++
	}
	t.leader = ev.Broker
}

// delivered takes an answer that went on to the client, at once or after it was
// held; sent is when its request was.
func (j *journal) delivered(ev *history.WireEvent, sent int64) {
	if l := j.tp(ev).lanes.get(ev.Process); l != nil {
		l.refuse(ev, sent)
		if ev.Error == outOfOrder && ev.Action == history.ActionPassed {
			j.outOfTurn(l, ev, sent)
		}
	}
	if hasAppended(ev) && ev.Error != 0 {
		j.ackLost(ev) // the client was told of an error instead
	}
	j.told(ev)
}

// undelivered takes an answer that did not reach the client.
func (j *journal) undelivered(ev *history.WireEvent) {
	j.n.droppedAnswers++
	if hasAppended(ev) {
		j.ackLost(ev)
	}
}

func (j *journal) ackLost(ev *history.WireEvent) {
	j.n.droppedAcks++
	j.n.droppedAckRecords += int64(ev.Records)
}

// brokerCode is the code that the broker itself gave. An answer that was made
// up in its place says nothing about it (history.NeverAsked).
func brokerCode(ev *history.WireEvent) int16 { return ev.BrokerCode }

// hasAppended says whether an answer tells of an append: with success, or with
// an error that leaves open whether the replicas have the batch and yet says
// where the leader put it. A leader that has appended waits for its replicas,
// and may then answer REQUEST_TIMED_OUT 7, NOT_ENOUGH_REPLICAS_AFTER_APPEND 20,
// or that it no longer leads (6), hosts (3) or can read the partition (56); the
// offset stays in the answer (Kafka's DelayedProduce changes the error alone).
func hasAppended(ev *history.WireEvent) bool {
	switch brokerCode(ev) {
	case 0:
		return true
	case 7, 20:
		return ev.BaseOffset >= 0
	case 3, 6, 56:
		return ev.BaseOffset > 0 // brokers that refuse may leave a 0 where Kafka has -1, kfake does
	}
	return false
}
