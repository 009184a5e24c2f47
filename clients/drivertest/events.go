package drivertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/idemcheck/idemcheck/clients/driver"
)

// longestLine is the most that an event may take.
const longestLine = 8 << 20

// read takes the driver's events until it ends. What is wrong with one of them
// is told, and the next one is read.
func (d *driven) read() {
	defer close(d.over)
	r := bufio.NewReaderSize(gated{d}, 64<<10)
	for {
		line, err := readLine(r)
		if len(line) > 0 || err == nil {
			d.line(line, err)
		}
		if err != nil && !errors.Is(err, errTooLong) {
			break
		}
	}
	d.child.Wait()
	d.changed()
}

// gated reads the driver's output, unless that is to wait.
type gated struct{ *driven }

func (g gated) Read(p []byte) (int, error) {
	g.mu.Lock()
	gate := g.gate
	g.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return g.child.Stdout.Read(p)
}

var errTooLong = errors.New("line is too long")

// readLine returns a line without its line feed. A line that is too long is read
// to its end, and its beginning returned with errTooLong.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for tooLong := false; ; {
		some, err := r.ReadSlice('\n')
		if len(line)+len(some) > longestLine {
			tooLong = true
			some = nil
		}
		line = append(line, some...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return line, io.EOF
		case tooLong:
			return line, errTooLong
		}
		return line[:len(line)-1], nil
	}
}

// line takes one line of the driver's output.
func (d *driven) line(line []byte, err error) {
	d.mu.Lock()
	d.came = keep(d.came, shorten(line))
	d.heard++
	if d.first == nil {
		d.first = line
	}
	killed := d.killed
	d.mu.Unlock()
	switch {
	case killed && err != nil:
		return // we have cut it off
	case errors.Is(err, errTooLong):
		_ = d.trial.told(d, broken(ruleLongLine, "a line of its standard output has more than 8 MiB"))
		return
	case err != nil:
		_ = d.trial.told(d, broken(ruleLine, "the last line of its standard output has no line feed"))
	case !utf8.Valid(line):
		_ = d.trial.told(d, broken(ruleLine, "a line of its standard output is not UTF-8"))
	}
	ev, err := driver.ParseEvent(line)
	var fields map[string]json.RawMessage
	switch {
	case err == nil:
		err = d.take(ev)
	case json.Unmarshal(line, &fields) != nil || fields["event"] == nil:
		err = broken(ruleOutput, "what came is no event: %s", shorten(line))
	case string(fields["event"]) == `"ack"`:
		err = broken(ruleReported, "an ack event is not whole: %v", err)
	default:
		err = broken(ruleOutput, "a field of an event has no meaning: %v", err)
	}
	if err != nil {
		_ = d.trial.told(d, err)
	}
	d.changed()
}

// take keeps what an event says, and returns what is wrong with it.
func (d *driven) take(ev driver.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return broken(ruleAfter, "%s came after closed", ev.Event)
	case d.ready == nil && ev.Event != driver.Ready && ev.Event != driver.Fatal:
		return broken(ruleFirst, "the first event is %q", ev.Event)
	case d.ready == nil:
		d.ready = &ev
		return nil
	}
	var errs []error
	switch ev.Event {
	case driver.Ready:
		return broken(ruleFirst, "a second ready came")
	case driver.Ack:
		for _, a := range ev.Acks {
			errs = append(errs, d.ack(a))
		}
	case driver.Error:
		for _, f := range ev.Errors {
			errs = append(errs, d.fail(f))
		}
	case driver.Flushed, driver.Done:
		return d.reply(ev.ID, ev.Event, nil)
	case driver.Fatal:
	case driver.Closed:
		if !d.closing {
			return broken(ruleUnasked, "it has closed by itself")
		}
		d.closed = true
	default:
		return broken(ruleOutput, "there is no event %q", ev.Event)
	}
	return errors.Join(errs...)
}

func (d *driven) ack(a driver.Acked) error {
	r := d.records[a.ID]
	switch {
	case r == nil:
		return d.unknown(a.ID, "ack")
	case r.answered():
		return broken(ruleOnce, "record %d was answered a second time, by an ack", a.ID)
	}
	r.acked, r.heard, d.answer = &a, d.heard, time.Now()
	d.left--
	if r.Partition != a.Partition {
		return broken(rulePartition, "record %d was sent to partition %d, and its ack says partition %d", a.ID, r.Partition, a.Partition)
	}
	return nil
}

func (d *driven) fail(f driver.Failure) error {
	r := d.records[f.ID]
	switch {
	case r == nil && d.asked[f.ID] != nil:
		return d.reply(f.ID, driver.Error, &f)
	case r == nil:
		return d.unknown(f.ID, "error")
	case r.answered():
		return broken(ruleOnce, "record %d was answered a second time, by an error", f.ID)
	}
	r.failed, r.heard, d.answer = &f, d.heard, time.Now()
	d.left--
	if f.Appended != "" && f.Appended != driver.AppendedNever {
		return broken(ruleNever, "the error of record %d says appended: %q", f.ID, f.Appended)
	}
	return nil
}

func (d *driven) unknown(id int64, event string) error {
	if id > d.last {
		return broken(ruleReported, "%s of %d, which was not sent yet (the last id is %d)", event, id, d.last)
	}
	return broken(ruleOwn, "%s of %d, which is no record", event, id)
}

func (d *driven) reply(id int64, event string, f *driver.Failure) error {
	q := d.asked[id]
	switch {
	case q == nil:
		return broken(ruleOwn, "%s for %d, which is no flush and no transaction's command", event, id)
	case q.done || q.failed != nil:
		return broken(ruleOwn, "%s for %d, which was answered before", event, id)
	case event == driver.Flushed && q.command != driver.Flush, event == driver.Done && q.command == driver.Flush:
		return broken(ruleOwn, "%s for %d, which is a %s command", event, id, q.command)
	}
	q.done, q.failed, q.heard = f == nil, f, d.heard
	return nil
}
