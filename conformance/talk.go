package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// talk is one conversation. Its methods end the conversation (as FailNow ends a
// test) where going on would make no sense: after a failure, or when the harness
// can't do what is asked of it.
type talk struct {
	ctx            context.Context
	on             *Target
	cell           *matrix.Cell
	began          time.Time
	produceVersion int16 // 0: the newest that the leader offers
	// A conversation that is held once for each version of Produce has a
	// partition of one topic for each.
	turn, turns int
	shared      *topic

	wires   map[int32]*wire
	topics  []*topic
	names   map[int64]string // of producer ids: P1, P2
	leaders map[*partition]int32
	aside   []*wire       // open, and read by nobody
	checks  time.Duration // between two looks of a broker for idle producer ids
}

// over is what ends a conversation; hold recovers it.
type over struct {
	verdict matrix.Verdict
	reason  string
}

// stop ends the conversation.
func (t *talk) stop(verdict matrix.Verdict, format string, args ...any) {
	panic(over{verdict, fmt.Sprintf(format, args...)})
}

// must ends the conversation as one that could not be held.
func (t *talk) must(err error) {
	if err != nil {
		t.stop(matrix.Error, "%v", err)
	}
}

// hold holds the conversation of a case, in every version of Produce where it is
// for that, and says what it came to.
func hold(ctx context.Context, on *Target, c Case) (cell matrix.Cell) {
	t := &talk{ctx: ctx, on: on, cell: &cell, began: time.Now(), wires: make(map[int32]*wire), names: make(map[int64]string), leaders: make(map[*partition]int32)}
	cell.Case = c.Number
	defer func() { cell.Took = time.Since(t.began) }()
	defer t.leave()
	turns := []int16{0}
	if c.every {
		turns = on.produceVersions(firstWithIDs)
		t.turns = len(turns)
	}
	for turn, version := range turns {
		t.turn, t.produceVersion = turn, version
		t.to(func() { c.converse(t) })
		if cell.Verdict == matrix.Fail || cell.Verdict == matrix.Error {
			break
		}
	}
	if cell.Verdict != matrix.NotApplicable && cell.Verdict != matrix.Error {
		t.to(t.lookAtLogs)
	}
	if cell.Verdict == matrix.NotRun {
		t.settle(matrix.Error, "the conversation showed nothing")
		if len(turns) == 0 {
			t.settle(matrix.Error, fmt.Sprintf("the brokers have no version of Produce in common from %d on, which is the first that knows producer ids", firstWithIDs))
		}
	}
	return cell
}

// firstWithIDs is the first version of Produce that carries record batches, and
// with them producer ids.
const firstWithIDs = 3

// to holds one part of a conversation to its end.
func (t *talk) to(part func()) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case over:
			if t.ctx.Err() != nil && end.verdict != matrix.NotApplicable {
				end = over{matrix.Error, fmt.Sprintf("not done in time: %s", end.reason)}
			}
			t.settle(end.verdict, end.reason)
			if end.verdict == matrix.NotApplicable && t.cell.Verdict != matrix.Fail && t.cell.Verdict != matrix.Error {
				// What went well before is no pass: the promise was not put to the test.
				t.cell.Verdict, t.cell.Reason = end.verdict, end.reason
			}
		default:
			// One case of a suite; the others are none the worse for it.
			t.done("a bug of idemcheck's, please report it", fmt.Sprintf("%v\n%s", end, debug.Stack()))
			t.settle(matrix.Error, fmt.Sprintf("a bug of idemcheck's: %v", end))
		}
	}()
	part()
}

// settle counts a verdict. The reason that is told is the worst one's.
func (t *talk) settle(v matrix.Verdict, reason string) {
	if worse := matrix.Worse(t.cell.Verdict, v); worse != t.cell.Verdict {
		t.cell.Verdict, t.cell.Reason = worse, reason
	}
}

// step adds a step and counts its verdict; a failure ends the conversation.
func (t *talk) step(s matrix.Step) {
	t.cell.Steps = append(t.cell.Steps, s)
	reason := ""
	switch s.Verdict {
	case matrix.Fail, matrix.NonStrict:
		reason = fmt.Sprintf("%s: %s, and expected was %s", s.What, s.Said, s.Expected)
		if s.Note != "" {
			reason += " (" + s.Note + ")"
		}
	case matrix.Informational:
		reason = fmt.Sprintf("%s: %s", s.What, s.Said)
	}
	if s.Verdict == matrix.Fail {
		t.stop(matrix.Fail, "%s", reason)
	}
	t.settle(s.Verdict, reason)
}

// check is a step that is not an answer to a batch.
func (t *talk) check(what, said, expected string, ok bool, frames ...matrix.Frame) {
	s := matrix.Step{What: what, Said: said, Expected: expected, Verdict: matrix.Pass, Frames: frames}
	if !ok {
		s.Verdict = matrix.Fail
	}
	t.step(s)
}

// done is a step that was taken, and that nothing is expected of.
func (t *talk) done(what, said string, frames ...matrix.Frame) {
	t.cell.Steps = append(t.cell.Steps, matrix.Step{What: what, Said: said, Frames: frames})
}

// leave closes what the conversation opened, and deletes its topics.
func (t *talk) leave() {
	for _, w := range t.aside {
		w.close()
	}
	t.hangUpAll()
	if t.on.KeepTopics {
		return
	}
	for _, topic := range t.topics {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), patience)
		_ = t.on.Admin.DeleteTopic(ctx, topic.name) // what stays is in the way of nobody
		cancel()
	}
}

// wire is the conversation's connection to a broker.
func (t *talk) wire(broker int32) (*wire, error) {
	if w := t.wires[broker]; w != nil {
		return w, nil
	}
	b, err := t.on.broker(broker)
	if err != nil {
		return nil, err
	}
	w, err := dialWire(t.ctx, func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return t.on.Cluster.Dial(ctx, b.Advertised)
	}, broker)
	if err != nil {
		return nil, fmt.Errorf("connect to broker %d: %w", broker, err)
	}
	t.wires[broker] = w
	return w, nil
}

// hangUp closes the connection to a broker; the next request opens another.
func (t *talk) hangUp(broker int32) {
	if w := t.wires[broker]; w != nil {
		w.close()
		delete(t.wires, broker)
	}
}

// hangUpAll closes every connection.
func (t *talk) hangUpAll() {
	for broker := range t.wires {
		t.hangUp(broker)
	}
}

// ask sends a request to a broker, in its newest version unless one is set, and
// waits for the answer.
func (t *talk) ask(broker int32, req kmsg.Request) (kmsg.Response, []matrix.Frame, error) {
	return t.askWithin(broker, req, patience)
}

func (t *talk) askWithin(broker int32, req kmsg.Request, limit time.Duration) (kmsg.Response, []matrix.Frame, error) {
	w, err := t.wire(broker)
	if err != nil {
		return nil, nil, err
	}
	sent, err := w.send(req, time.Since(t.began), limit)
	if err == nil {
		resp, frame, failed := w.receive(req, sent.Correlation, t.began, limit)
		if failed == nil {
			return resp, []matrix.Frame{sent, frame}, nil
		}
		t.hangUp(broker)
		return nil, []matrix.Frame{sent, frame}, failed
	}
	t.hangUp(broker)
	return nil, []matrix.Frame{sent}, err
}

// newest sets a request to the newest version that the broker offers; without
// any the case does not apply.
func (t *talk) newest(broker int32, req kmsg.Request) {
	version, ok := t.on.offers(broker, req)
	if !ok {
		t.stop(matrix.NotApplicable, "broker %d does not offer %s in a version that is known here", broker, kmsg.NameForKey(req.Key()))
	}
	req.SetVersion(version)
}

// anyBroker is one that answers.
func (t *talk) anyBroker() int32 {
	for _, b := range t.on.Cluster.Brokers() {
		if _, known := t.on.apis[b.ID]; !known {
			continue
		}
		if _, err := t.wire(b.ID); err == nil {
			return b.ID
		}
	}
	t.stop(matrix.Error, "no broker can be reached")
	return -1
}

// name is what a producer id is called in the steps.
func (t *talk) name(id int64) string {
	if id < 0 {
		return "no producer id"
	}
	if _, ok := t.names[id]; !ok {
		t.names[id] = fmt.Sprintf("P%d", len(t.names)+1)
	}
	return t.names[id]
}

// spell names a batch: "(P1, epoch 0) [0..2]".
func (t *talk) spell(b batch) string {
	var extra []string
	if b.attrs&7 == gzipped {
		extra = append(extra, "gzip")
	}
	if b.attrs&transactional != 0 {
		extra = append(extra, "transactional")
	}
	text := fmt.Sprintf("(%s, epoch %d) %s", t.name(b.id), b.epoch, b.span())
	if len(extra) > 0 {
		text += ", " + strings.Join(extra, ", ")
	}
	return text
}

// answerOf reads what ended an exchange as an answer, where it is one.
func answerOf(err error) (answer, bool) {
	switch {
	case errors.Is(err, errClosed):
		return answer{closed: true, told: err.Error()}, true
	case errors.Is(err, errSilent):
		return answer{silent: true}, true
	}
	return answer{}, false
}
