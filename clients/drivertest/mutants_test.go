package drivertest_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/drivertest"
)

// mutant is a driver that is broken in one way, and the case that is to find it.
type mutant struct {
	name string        // what it does
	by   string        // the case
	says string        // what is found, or which rule is broken
	slow bool          // it moves much
	wait time.Duration // it is found by what never comes: the case gets so much time

	command func(*broken, *driver.Command) bool // what it makes of a command; false: it does not pass it on
	event   func(*broken, *driver.Event) bool   // what it makes of an event; false: it does not say it
	raw     func(*broken, []byte)               // looks at a command as it came, with the lock held
	input   func(*broken) bool                  // standard input has ended; false: it does not notice
	end     func(*broken, int) int              // it is to end with a status
	unheard func(error)                         // nobody reads; not nil: it does not notice
}

// on changes the events of one kind.
func on(kind string, change func(*broken, *driver.Event)) func(*broken, *driver.Event) bool {
	return func(b *broken, ev *driver.Event) bool {
		if ev.Event == kind {
			change(b, ev)
		}
		return true
	}
}

// sending changes send commands.
func sending(change func(*driver.Command)) func(*broken, *driver.Command) bool {
	return func(_ *broken, c *driver.Command) bool {
		if c.Command == driver.Send {
			change(c)
		}
		return true
	}
}

// opening changes options.
func opening(change func(*driver.Options)) func(*broken, *driver.Command) bool {
	return func(_ *broken, c *driver.Command) bool {
		if c.Command == driver.Open {
			change(c.Options)
		}
		return true
	}
}

func forever() { select {} }

// pages is how many MiB a driver keeps that keeps too much.
const pages = 2

// brief is long enough for a good driver.
const brief = 3 * time.Second

func mutants() []mutant {
	return slices.Concat(openingMutants(), answerMutants(), endMutants(), optionMutants())
}

func openingMutants() []mutant {
	return []mutant{
		{name: "leaves its version out", by: "ready", says: "no version", event: on(driver.Ready, func(_ *broken, ev *driver.Event) { ev.Version = "" })},
		{name: "leaves its deadline out", by: "ready", says: "deadline_ms 0", event: on(driver.Ready, func(_ *broken, ev *driver.Event) { ev.DeadlineMS = 0 })},
		{name: "leaves order out", by: "ready", says: "whether order is promised", event: on(driver.Ready, func(_ *broken, ev *driver.Event) { ev.Order = nil })},
		{name: "gives no reason", by: "ready", says: "why order is promised", event: on(driver.Ready, func(_ *broken, ev *driver.Event) { ev.Order.Why = "" })},
		{name: "prints a line at its start", by: "ready", says: "[INFO] connected", event: on(driver.Ready, func(b *broken, _ *driver.Event) { b.print("[INFO] connected\n") })},
		{name: "forgets the last line feed", by: "ready", says: "no line feed", event: func(b *broken, ev *driver.Event) bool {
			if ev.Event == driver.Closed {
				b.print(`{"event":"closed"}`)
			}
			return ev.Event != driver.Closed
		}},
		{name: "is ready twice", by: "ready", says: "a second ready", event: on(driver.Ready, func(b *broken, ev *driver.Event) { b.say(*ev) })},
		{name: "has events of its own", by: "ready", says: `no event "hello"`, event: on(driver.Closed, func(b *broken, _ *driver.Event) { b.say(driver.Event{Event: "hello"}) })},
		{name: "writes Latin-1", by: "ready", says: "not UTF-8", event: on(driver.Closed, func(b *broken, _ *driver.Event) { b.print("{\"event\":\"fatal\",\"message\":\"\xe9\"}\n") })},
		{name: "writes a line that is too long", by: "ready", says: "more than 8 MiB", event: on(driver.Closed, func(b *broken, _ *driver.Event) { b.print(strings.Repeat(" ", 9<<20) + "\n") })},
		{name: "knows no new fields", by: "ready", says: "ended by itself", raw: func(_ *broken, line []byte) {
			if strings.Contains(string(line), `"later"`) {
				os.Exit(9)
			}
		}},
		{name: "speaks every version", by: "version", says: "answered with ready", command: func(b *broken, c *driver.Command) bool {
			if c.Command == driver.Open && c.Protocol == 99 {
				b.say(driver.Event{Event: driver.Ready, Protocol: c.Protocol})
				return false
			}
			return true
		}},
		{name: "calls another version an error like any other", by: "version", says: `class "driver"`, command: func(b *broken, c *driver.Command) bool {
			if c.Command == driver.Open && c.Protocol == 99 {
				b.say(driver.Event{Event: driver.Fatal, Class: "driver", Message: "no version 99"})
				os.Exit(3)
			}
			return true
		}},
		{name: "lives on after fatal", wait: brief, by: "version", says: "has not ended", end: func(*broken, int) int { forever(); return 0 }},
		{name: "takes nonsense", by: "nonsense", says: "answered with ready", command: opening(func(o *driver.Options) { o.Acks = "all" })},
		{name: "calls nonsense unsupported", by: "nonsense", says: "class unsupported", event: on(driver.Fatal, func(_ *broken, ev *driver.Event) { ev.Class, ev.Option = driver.ClassUnsupported, "acks" })},
		{name: "has a client id of its own", by: "client-id", says: `"driver" is on the wire`, command: opening(func(o *driver.Options) { o.ClientID = "driver" })},
		{name: "is never idempotent", by: "idempotence", says: "producer id -1", command: opening(func(o *driver.Options) { o.Idempotence = false })},
		{name: "is always idempotent", by: "no-idempotence", says: "a batch on the wire has producer id", command: opening(func(o *driver.Options) { o.Idempotence = true })},
		{name: "always waits for all", by: "acks-1", says: "acks -1", command: opening(func(o *driver.Options) { o.Acks = "all" })},
		{name: "makes offsets up", by: "acks-0", says: "was acked with acks 0, at offset", event: func(b *broken, ev *driver.Event) bool {
			for _, f := range ev.Errors {
				b.say(driver.Event{Event: driver.Ack, Acks: []driver.Acked{{ID: f.ID, Partition: b.sent[f.ID].Partition}}})
			}
			return ev.Event != driver.Error
		}},
		{name: "knows version 1 only, and takes every other for it", by: "defaults", says: "ready says protocol 1", command: opening(func(o *driver.Options) { o.Defaults, o.Acks = false, "all" }),
			event: on(driver.Ready, func(_ *broken, ev *driver.Event) { ev.Protocol = 1 })},
		{name: "has no class for a refusal", by: "refused", says: "without class refused", event: on(driver.Fatal, func(_ *broken, ev *driver.Event) { ev.Class = "driver" })},
		{name: "puts acks right", by: "refused", says: "literal was asked for", command: opening(func(o *driver.Options) { o.Acks = "all" }),
			event: on(driver.Ready, func(_ *broken, ev *driver.Event) {
				ev.Unmapped = append(ev.Unmapped, clients.Unmapped{Option: "acks", Why: "all"})
			})},
		{name: "tries again all the same", by: "option-no_retries", says: "and there were", command: opening(func(o *driver.Options) {
			if o.NoRetries {
				o.NoRetries, o.Retries = false, 2
			}
		})},
		{name: "never waits", by: "acks-all", says: "acks 0", command: opening(func(o *driver.Options) { o.Acks, o.Idempotence = "0", false })},
	}
}

func answerMutants() []mutant {
	return []mutant{
		{name: "acks twice", by: "answers", says: "answered a second time", event: on(driver.Ack, func(b *broken, ev *driver.Event) { b.say(*ev) })},
		{name: "acks what was not sent", by: "answers", says: "which was not sent yet", event: on(driver.Ack, func(b *broken, _ *driver.Event) {
			b.say(driver.Event{Event: driver.Ack, Acks: []driver.Acked{{ID: 1 << 40}}})
		})},
		{name: "acks before the broker does", by: "not-before", says: "the broker has not answered anything yet", command: func(b *broken, c *driver.Command) bool {
			for i, r := range c.Records {
				b.say(driver.Event{Event: driver.Ack, Acks: []driver.Acked{{ID: r.ID, Partition: r.Partition, Offset: int64(i)}}})
			}
			return true
		}, event: func(_ *broken, ev *driver.Event) bool { return ev.Event != driver.Ack }},
		{name: "acks at the next offset", by: "answers", says: "stands at offset", event: on(driver.Ack, func(_ *broken, ev *driver.Event) { ev.Acks[0].Offset++ })},
		{name: "acks in another partition", by: "answers", says: "its ack says partition 7", event: on(driver.Ack, func(_ *broken, ev *driver.Event) { ev.Acks[0].Partition = 7 })},
		{name: "acks without an offset", by: "answers", says: "has no offset", event: func(b *broken, ev *driver.Event) bool {
			if ev.Event == driver.Ack {
				b.print(`{"event":"ack","acks":[{"id":1,"partition":0}]}` + "\n")
			}
			return true
		}},
		{name: "lets the library choose the partition", by: "answers", says: "and stands in t/0", command: sending(func(c *driver.Command) {
			for i := range c.Records {
				c.Records[i].Partition = 0
			}
		}), event: on(driver.Ack, func(b *broken, ev *driver.Event) {
			for i := range ev.Acks {
				ev.Acks[i].Partition = b.sent[ev.Acks[i].ID].Partition
			}
		})},
		{name: "drops a record", wait: brief, by: "answers", says: "1 of 1000 records have no answer", command: sending(func(c *driver.Command) {
			c.Records = slices.DeleteFunc(c.Records, func(r driver.Record) bool { return r.ID == 500 })
		})},
		{name: "drops a record and acks it", by: "answers", says: "the log does not hold it", command: func(b *broken, c *driver.Command) bool {
			c.Records = slices.DeleteFunc(c.Records, func(r driver.Record) bool {
				if r.ID == 500 {
					b.mu.Lock()
					b.say(driver.Event{Event: driver.Ack, Acks: []driver.Acked{{ID: r.ID, Partition: r.Partition, Offset: 3}}})
					b.mu.Unlock()
				}
				return r.ID == 500
			})
			return true
		}},
		{name: "sends a record again by itself", by: "answers", says: "stands in the log 2 times", command: func(b *broken, c *driver.Command) bool {
			if len(c.Records) == 1 {
				again := *c
				again.Records = slices.Clone(c.Records)
				again.Records[0].ID += 1_000_000
				b.tell(again)
			}
			return true
		}, event: on(driver.Ack, func(_ *broken, ev *driver.Event) {
			ev.Acks = slices.DeleteFunc(ev.Acks, func(a driver.Acked) bool { return a.ID > 1_000_000 })
		})},
		{name: "keeps a lone answer", wait: brief, by: "lone", says: "a lone record has no answer", event: func(b *broken, ev *driver.Event) bool {
			if ev.Event != driver.Ack {
				return true
			}
			b.say(b.kept...)
			b.kept = append(b.kept[:0], *ev)
			return false
		}},
		{name: "waits for every answer", wait: brief, by: "does-not-wait", says: "a later one to another broker has no answer", command: func(b *broken, c *driver.Command) bool {
			b.tell(*c)
			for left := len(c.Records); left > 0; time.Sleep(time.Millisecond) {
				b.mu.Lock()
				left = 0
				for _, r := range c.Records {
					if _, open := b.sent[r.ID]; open {
						left++
					}
				}
				b.mu.Unlock()
			}
			return false
		}, event: on(driver.Ack, func(b *broken, ev *driver.Event) {
			for _, a := range ev.Acks {
				delete(b.sent, a.ID)
			}
		})},
		{name: "swaps the records of a command", by: "order-in-call", says: "came in one command", command: sending(func(c *driver.Command) { slices.Reverse(c.Records) })},
		{name: "swaps commands", by: "order", says: "came before record", command: func(b *broken, c *driver.Command) bool {
			if c.Command != driver.Send {
				return true
			}
			if b.n++; b.n%2 == 1 { // it goes behind the next one
				b.later = *c
				return false
			}
			b.tell(*c, b.later)
			return false
		}},
		{name: "flushes at once", by: "flush", says: "flushed came while", command: func(b *broken, c *driver.Command) bool {
			if c.Command == driver.Flush {
				b.mu.Lock()
				b.say(driver.Event{Event: driver.Flushed, ID: c.ID})
				b.mu.Unlock()
			}
			return c.Command != driver.Flush
		}},
		{name: "flushes with another id", by: "flush-idle", says: "which is no flush", event: on(driver.Flushed, func(_ *broken, ev *driver.Event) { ev.ID++ })},
		{name: "flushes twice", by: "flush-idle", says: "which was answered before", event: on(driver.Flushed, func(b *broken, ev *driver.Event) { b.say(*ev) })},
		{name: "flushes late", by: "flush-idle", says: "there is no reply", event: on(driver.Flushed, func(*broken, *driver.Event) { time.Sleep(5 * time.Second) })},
		{name: "fails to flush after an error", by: "flush-errors", says: "flush failed", event: func(b *broken, ev *driver.Event) bool {
			if ev.Event == driver.Error {
				b.n++
			}
			if ev.Event == driver.Flushed && b.n > 0 {
				b.say(driver.Event{Event: driver.Error, Errors: []driver.Failure{{ID: ev.ID, Message: "3 records failed"}}})
				return false
			}
			return true
		}},
		{name: "claims never for every error", by: "refused-87", says: "appended: never", event: on(driver.Error, func(_ *broken, ev *driver.Event) {
			for i := range ev.Errors {
				ev.Errors[i].Appended = driver.AppendedNever
			}
		})},
		{name: "claims never for what it gives up", by: "close", says: "appended: never, and stands in the log", event: on(driver.Error, func(_ *broken, ev *driver.Event) {
			for i := range ev.Errors {
				ev.Errors[i].Appended = driver.AppendedNever
			}
		})},
		{name: "acks what failed", by: "refused-87", says: "and it was acked", event: func(b *broken, ev *driver.Event) bool {
			if ev.Event != driver.Error {
				return true
			}
			for _, f := range ev.Errors {
				b.say(driver.Event{Event: driver.Ack, Acks: []driver.Acked{{ID: f.ID, Partition: b.sent[f.ID].Partition, Offset: -1}}})
			}
			return false
		}},
		{name: "hides errors", wait: brief, by: "refused-87", says: "have no answer", event: func(_ *broken, ev *driver.Event) bool { return ev.Event != driver.Error }},
		{name: "has no class for errors", by: "refused-87", says: `has class ""`, event: on(driver.Error, func(_ *broken, ev *driver.Event) { ev.Errors[0].Class = "" })},
		{name: "has another code for errors", by: "refused-87", says: "the error has code -1", event: on(driver.Error, func(_ *broken, ev *driver.Event) { ev.Errors[0].Code = -1 })},
		{name: "calls every error retriable", by: "refused-87", says: "says retriable", event: on(driver.Error, func(_ *broken, ev *driver.Event) { ev.Errors[0].Retriable = true })},
		{name: "knows ASCII only", by: "text", says: "never sent so", command: sending(func(c *driver.Command) {
			for i := range c.Records {
				c.Records[i].Value = strings.Map(func(r rune) rune {
					if r > 127 {
						return '?'
					}
					return r
				}, c.Records[i].Value)
			}
		})},
		{name: "has a key for what has none", by: "text", says: "was sent without a key", command: sending(func(c *driver.Command) {
			for i := range c.Records {
				if c.Records[i].Key == "" {
					c.Records[i].Key = "null"
				}
			}
		})},
		{name: "cuts values off", by: "large-values", says: "never sent so: a value of 65536 bytes", command: sending(func(c *driver.Command) {
			for i, r := range c.Records {
				c.Records[i].Value = r.Value[:min(len(r.Value), 65536)]
			}
		})},
		{name: "reads short lines only", by: "large-values", says: "has ended by itself: exit status 8", raw: func(_ *broken, line []byte) {
			if len(line) > 65536 {
				os.Exit(8)
			}
		}},
		{name: "reads everything", by: "back-pressure", says: "MiB resident", slow: true, command: func(b *broken, c *driver.Command) bool {
			if len(c.Records) > 0 && len(c.Records[0].Value) > 1000 && len(b.hoard)*pages < 1500 {
				b.hoard = append(b.hoard, strings.Repeat(c.Records[0].Value, pages<<20/len(c.Records[0].Value)))
			}
			return true
		}},
		{name: "loses answers that are not read", by: "slow-reader", says: "have no answer", slow: true, event: func(b *broken, ev *driver.Event) bool {
			if b.queue == nil {
				b.queue = make(chan driver.Event, 20)
				go func() {
					for ev := range b.queue {
						b.say(ev)
					}
				}()
			}
			if ev.Event != driver.Ack {
				b.queue <- *ev
				return false
			}
			select {
			case b.queue <- *ev:
			default:
			}
			return false
		}},
	}
}

func endMutants() []mutant {
	return []mutant{
		{name: "closes without answers", by: "close", says: "have no answer", command: func(b *broken, c *driver.Command) bool {
			if c.Command == driver.Close {
				b.mu.Lock()
				b.say(driver.Event{Event: driver.Closed})
				os.Exit(0)
			}
			return true
		}},
		{name: "hangs at close", wait: brief, by: "close", says: "though it said closed", end: func(*broken, int) int { forever(); return 0 }},
		{name: "waits for the broker at close", wait: brief, by: "close-mute", says: "it is not closed", command: func(b *broken, c *driver.Command) bool {
			if c.Command == driver.Close {
				b.tell(driver.Command{Command: driver.Flush, ID: 1 << 40})
			}
			return true
		}},
		{name: "ends without closed", by: "close", says: "without closed", event: func(_ *broken, ev *driver.Event) bool { return ev.Event != driver.Closed }},
		{name: "ends with another status", by: "close", says: "exit status 1", end: func(*broken, int) int { return 1 }},
		{name: "writes after closed", by: "close", says: "came after closed", end: func(b *broken, status int) int {
			b.say(driver.Event{Event: driver.Fatal, Message: "by the way"})
			return status
		}},
		{name: "does not see its input end", wait: brief, by: "input-ends", says: "it lives on", input: func(*broken) bool { return false }},
		{name: "waits for the broker when its input ends", wait: brief, by: "input-ends-busy", says: "it lives on", input: func(b *broken) bool {
			b.tell(driver.Command{Command: driver.Flush, ID: 1 << 40})
			b.tell(driver.Command{Command: driver.Close})
			return false
		}},
		{name: "leaves a process behind", by: "input-ends", says: "processes that it started live on", event: on(driver.Ready, func(*broken, *driver.Event) {
			_ = exec.Command("sleep", "1000").Start()
		})},
		{name: "starts a session", by: "ready", says: "groups of their own", event: on(driver.Ready, func(*broken, *driver.Event) {
			daemon := exec.Command("sleep", "1000")
			daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			_ = daemon.Start()
		})},
		{name: "does not see that nobody listens", wait: brief, by: "output-ends", says: "it lives on", unheard: func(error) {}},
		{name: "warns on standard output", by: "noise", says: "WARN", raw: func(b *broken, line []byte) {
			if strings.Contains(string(line), "no-such-topic") {
				b.print("WARN there is no such topic\n")
			}
		}},
		{name: "warns of brokers on standard output", by: "nobody-there", says: "WARN", raw: func(b *broken, line []byte) {
			if strings.Contains(string(line), "127.0.0.1:1\"") {
				b.print("WARN nobody there\n")
			}
		}},
		{name: "says done for commit at once", by: "transactions", says: "done for commit came before the answer", command: func(b *broken, c *driver.Command) bool {
			if c.Command != driver.Commit {
				return true
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.say(driver.Event{Event: driver.Done, ID: c.ID})
			b.say(b.kept...)
			b.kept = nil
			c.ID += 1 << 40
			return true
		}, event: func(b *broken, ev *driver.Event) bool {
			if ev.Event == driver.Ack {
				b.kept = append(b.kept, *ev)
				return false
			}
			if ev.ID >= 1<<40 {
				b.say(b.kept...)
				b.kept = nil
				return false
			}
			return true
		}},
		{name: "commits instead of aborting", by: "transactions", says: "stands in the log as committed", command: func(_ *broken, c *driver.Command) bool {
			if c.Command == driver.Abort {
				c.Command = driver.Commit
			}
			return true
		}},
		{name: "does not say that it is fenced", by: "fencing", says: "does not say fenced", event: on(driver.Error, func(_ *broken, ev *driver.Event) { ev.Errors[0].Fenced = false })},
		{name: "begins what cannot be", by: "no-transaction", says: "begin is done", event: func(b *broken, ev *driver.Event) bool {
			if ev.Event == driver.Error {
				b.say(driver.Event{Event: driver.Done, ID: ev.Errors[0].ID})
			}
			return ev.Event != driver.Error
		}},
		{name: "dies when it was stopped for long", by: "stop", says: "ended by itself", command: func(b *broken, c *driver.Command) bool {
			if c.Command == driver.Send && !b.last.IsZero() && time.Since(b.last) > time.Second {
				os.Exit(4)
			}
			b.last = time.Now()
			return true
		}},
	}
}

func optionMutants() []mutant {
	silently := func(wait time.Duration, name, by, says string, change func(*driver.Options)) mutant {
		return mutant{name: "ignores " + name, wait: wait, by: by, says: says, command: opening(change)}
	}
	return []mutant{
		silently(0, "in_flight", "option-in_flight", "requests are unanswered on one connection", func(o *driver.Options) { o.InFlight = 10 }),
		silently(0, "compression", "option-compression-gzip", "no batch is compressed", func(o *driver.Options) { o.Compression = "" }),
		silently(0, "the codec", "option-compression-zstd", "compressed by gzip", func(o *driver.Options) { o.Compression = "gzip" }),
		silently(0, "that there is to be no compression", "option-compression-none", "compressed by gzip", func(o *driver.Options) { o.Compression = "gzip" }),
		silently(brief, "retries", "option-retries", "attempts", func(o *driver.Options) { o.Retries = 100 }),
		silently(2*brief, "request_timeout", "option-request_timeout_ms", "neither tried again nor given up", func(o *driver.Options) { o.RequestTimeoutMS = 30_000 }),
		silently(2*brief, "delivery_timeout", "option-delivery_timeout_ms", "has no answer", func(o *driver.Options) { o.DeliveryTimeoutMS = 0 }),
		{name: "fails on an option that it does not have", by: "option-linger_ms", says: "without class unsupported", command: func(b *broken, c *driver.Command) bool {
			if c.Options != nil && c.Options.LingerMS > 0 {
				b.say(driver.Event{Event: driver.Fatal, Class: "driver", Message: "unknown option linger_ms"})
				os.Exit(3)
			}
			return true
		}},
		{name: "gives no reason for an option", by: "ready", says: "without saying why", event: on(driver.Ready, func(_ *broken, ev *driver.Event) {
			ev.Unmapped = append(ev.Unmapped, clients.Unmapped{Option: "retries"})
		})},
	}
}

func TestEveryBrokenDriverIsFoundByTheCaseThatIsAboutIt(t *testing.T) {
	known := make(map[string]bool)
	for _, m := range mutants() {
		if known[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		known[m.name] = true
		t.Run(m.name, func(t *testing.T) {
			if m.slow && testing.Short() {
				t.Skip("moves much")
			}
			if !m.slow {
				t.Parallel()
			}
			cases, err := drivertest.ByName([]string{m.by})
			if err != nil {
				t.Fatal(err)
			}
			s := suite(t, m.name)
			s.Memory = 1 << 30
			s.Limit = m.wait
			r, err := s.Run(t.Context(), cases[0])
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != drivertest.Fail {
				t.Fatalf("%s: it is not found by %s (%s)", m.name, m.by, r.Why)
			}
			for _, f := range r.Findings {
				if f.Rule == "" || f.Advice == "" || f.Times < 1 {
					t.Errorf("%+v", f)
				}
				if strings.Contains(f.What, m.says) {
					return
				}
			}
			for _, f := range r.Findings {
				t.Errorf("%s finds %q, and not that %q", m.by, f.What, m.says)
			}
		})
	}
}
