package checker

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutant is a small change to the checkers that makes them judge wrongly.
type mutant struct {
	name     string
	file     string
	old, new string
}

func mutants() []mutant {
	return []mutant{
		{"equal times are no longer concurrent", "realtime.go", "if ret < s.latest {", "if ret <= s.latest {"},
		{"the earliest call counts instead of the latest", "realtime.go", "if o.call > s.latest {", "if s.latest < 0 || o.call < s.latest {"},
		{"the last call counts instead of the latest", "realtime.go", "if o.call > s.latest {", "if true {"},
		{"an unknown record is taken to have returned", "lane.go", "o.outcome == history.Acked && !l.unproven", "o.outcome != history.Pending && !l.unproven"},
		{"acks=0 proves an append", "lane.go", "o.outcome == history.Acked && !l.unproven", "o.outcome == history.Acked"},
		{"skipped records are forgotten", "lane.go", "l.waiting[l.op.number] = l.op", "_ = l"},
		{"what waits is not drained at the end", "lane.go", "f(l.waiting[number])", "_ = number"},
		{"what comes out of the waiting is still waiting", "lane.go", "delete(l.waiting, number)", "_ = number"},
		{"the last block of ops is dropped", "lane.go", "case len(block.Number) > 0:", "case len(block.Number) > 2:"},
		{"the clock may run backwards", "lane.go", "case o.call < l.lastCall:", "case false:"},
		{"the last block of the log is dropped", "sweep.go", "if err := s.readBlock(block); err != nil {", "if len(block.Offset) < 3 {\n\t\t\tcontinue\n\t\t}\n\t\tif err := s.readBlock(block); err != nil {"},
		{"skipped records of the log go unnoticed", "sweep.go", "if offset != s.nextOffset {", "if offset < s.nextOffset {"},
		{"unknown is treated as acked", "sweep.go", "o.outcome == history.Acked && s.complete", "o.outcome != history.Failed && s.complete"},
		{"a log is taken to be whole", "sweep.go", "s.complete = s.whole && s.nextOffset == s.end", "s.complete = true"},
		{"standing is ignored", "sweep.go", "switch standing := b.Standing[i]; standing {", "switch standing := history.Intact; standing {"},
		{"second copies go unnoticed", "sweep.go", "\t\ts.again(at)\n", ""},
		{"failed records may be in the log", "sweep.go", "\t\ts.failedVisible(at)\n", ""},
		{"unknown records are held to order", "sweep.go", "\t\ts.unacked++\n", "\t\ts.unacked++\n\t\ts.checkOrder(l, o, at)\n"},
		{"records of different calls are held to each other", "order.go", "l.tops[o.call]; met", "l.tops[0]; met"},
		{"a scenario may hold calls that overlap to an order", "sweep.go", "kind == Reorder && !l.inCall", "kind == Reorder"},
		{"records of one call are held to nothing", "order.go", "if !l.order && l.inCall {", "if !l.order && l.inCall && false {"},
		{"records of strangers are accepted", "sweep.go", "if l = s.lanes[at.process]; l == nil {\n\t\t\ts.unsent(at)", "if l = s.lanes[at.process]; l == nil {"},
		{"any second copy excuses the acked offset", "duplicates.go", "ok && m.acked == at.offset", "ok && m.acked > 0"},
		{"a copy at the acked offset does not excuse", "duplicates.go", "delete(s.misacked, key)", "_ = key"},
		{"acked offsets ahead are wrong at once", "payload.go", "if o.offset < at.offset {", "if o.offset != at.offset {"},
		{"acked offsets ahead are never wrong", "payload.go", "if m.acked >= s.nextOffset && !(s.complete) {", "if m.acked >= 0 {"},
		{"nothing is ever late", "order.go", "if at.number > l.top.number {", "if at.number != l.top.number {"},
		{"order is judged where it is not promised", "order.go", "if l.order {", "if true {"},
		{"every finding is a cause of its own", "findings.go", "return f.cause == before.cause", "return false"},
		{"different batches are one cause", "findings.go", "|| f.number != before.number+1", "|| f.number <= before.number"},
		{"anomalies kept are counted short", "findings.go", "t.kept[open.kept].count++", "_ = t"},
		{"deadlines run during faults", "liveness.go", "max(o.call, l.clock.healed, l.before)", "max(o.call, l.before)"},
		{"a record behind others is due as if it were alone", "liveness.go", "max(o.call, l.clock.healed, l.before)", "max(o.call, l.clock.healed)"},
		{"there is no grace", "liveness.go", "o.ret > due+int64(grace)", "o.ret > due"},
		{"a harness that gives up early makes clients stuck", "liveness.go", "l.clock.drained < due:", "l.clock.drained < 0:"},
		{"an error told in place of success is no lost ack", "wireanswers.go", "if hasAppended(ev) && ev.Error != 0 {", "if false {"},
		{"answers held for ever have arrived", "wire.go", "for _, kept := range j.held {", "for _, kept := range map[answerKey]heldAnswer{} {"},
		{"a lost answer counts whatever it said", "wireanswers.go", "\tif hasAppended(ev) {\n\t\tj.ackLost(ev)", "\tif true {\n\t\tj.ackLost(ev)"},
		{"sequences do not wrap", "producers.go", "& 0x7fffffff)\n}", "& 0xffffffff)\n}"},
		{"one refusal of several attempts is enough", "clientprotocol.go", "b.refused < b.sends", "b.refused == 0"},
		{"errors do not excuse a gap", "clientprotocol.go", "pp.excused || ", ""},
		{"a gap across connections is a gap", "clientprotocol.go", " || ev.Conn != pp.conn", ""},
		{"a gap after a connection has ended is a gap", "clientprotocol.go", " || j.torn[ev.ClientID]", ""},
		{"the next batch in line makes what was left out forgotten", "clientprotocol.go", "if 0 < ahead && ahead < 1<<30 {", "if ahead < 1<<30 {"},
		{"five in flight are too many", "clientprotocol.go", "c.withID > mostInFlight", "c.withID >= mostInFlight"},
		{"a retry on another connection is early too", "earlyretry.go", "r.conn != ev.Conn || ", ""},
		{"no jitter is allowed", "earlyretry.go", "p.RetryBackoff/2", "p.RetryBackoff"},
		{"nothing is too early", "earlyretry.go", "waited >= int64(p.RetryBackoff/2)", "waited >= 0"},
		{"options that were not taken are held against a client", "earlyretry.go", "!p.Maps(\"retry_backoff\") || ", ""},
		{"what was asked for is not held against a client", "clientprotocol.go", "n > most &&", "n > 100*most &&"},
		{"a refused retry was dropped", "dropped.go", " || l.unsent.tried.has(ev.First, ev.Last)", ""},
		{"what a broker keeps is forgotten behind refused batches", "brokerprotocol.go", "\t\tpp.keep(b)\n", ""},
		{"what is sent again was dropped all the same", "dropped.go", "if b.answer.First > ev.Last || b.answer.Last < ev.First {", "if true {"},
		{"a client may drop what it likes", "dropped.go", "if pp == nil || ev.First < 0", "if true || ev.First < 0"},
		{"a broker that forgot is no excuse for dropping", "dropped.go", "if j.story.disturbed(0, history.Forever) {", "if false {"},
		{"an end of retries is no excuse for dropping", "dropped.go", ` || p.Options["retries"] != ""`, ""},
		{"a broker lost what it took for a retry", "diagnoseloss.go", "j.story.isReused(&a.request) || j.takenFor(inv, a) {\n\t\t\treturn diagnosis{BlameClient, CauseSequenceReused, what + fmt.Sprintf(\": the client used the sequence of %s for other records as well, and", "j.story.isReused(&a.request) {\n\t\t\treturn diagnosis{BlameClient, CauseSequenceReused, what + fmt.Sprintf(\": the client used the sequence of %s for other records as well, and"},
		{"a late retry pushes another batch out of the window", "producers.go", "if p.kept[i].stored && sameTriple", "if false && sameTriple"},
		{"all that is held behind a lost batch was dropped", "dropped.go", "if b.passed && ", "if "},
		{"an end of time is no excuse for dropping", "dropped.go", "limit = min(limit, set/2)", "_ = set"},
		{"a forged refusal counts against a client", "wireanswers.go", "ev.Error == outOfOrder && ev.Action == history.ActionPassed", "ev.Error == outOfOrder"},
		{"what a client was told late is forgotten", "wireanswers.go", "heldAnswer{*ev, sent}", "heldAnswer{*ev, 0}"},
		{"the window is six batches", "brokerprotocol.go", "pp.sent-b.nth > window", "pp.sent-b.nth > window+1"},
		{"the window is four batches", "brokerprotocol.go", "pp.sent-b.nth > window", "pp.sent-b.nth > window-1"},
		{"a new leader must know everything", "brokerprotocol.go", "b.first.Broker != ev.Broker || ", ""},
		{"a restarted broker must know everything", "brokerprotocol.go", " || j.story.disturbed(b.first.At, ev.At)", ""},
		{"what a leader timed out on was stored for good", "brokerprotocol.go", "case brokerCode(&b.first) != 0:", "case false:"},
		{"what a leader times out on is stored for good", "brokerprotocol.go", "\tcase code != 0:\n", "\tcase false:\n"},
		{"only NONE tells of a retry that was known", "brokerprotocol.go", "pp == nil || !hasAppended(ev)", "pp == nil || code != 0"},
		{"the broker answers for forged codes", "brokerprotocol.go", "if code == history.NeverAsked {", "if false {"},
		{"any error after the refusal made the client raise its epoch", "producers.go", "!p.hasFail || !asksForEpoch(p.failed.Error) || asksForEpoch(ev.Error)", "true"},
		{"a refusal elsewhere excuses what is numbered anew", "diagnoseduplicate.go", "own, refused := j.story.refusals[epochKey{inv.tp, first.ProducerID, first.Epoch}];", "own, refused := cause, known;"},
		{"whatever was passed on was read", "diagnoseduplicate.go", "ok && ended < reached+inTime", "ok && ended < 0"},
		{"a leader that steps down has appended nothing", "wireanswers.go", "case 3, 6, 56:", "case 3, 56:"},
		{"any offset in a refusal tells of an append", "wireanswers.go", "return ev.BaseOffset > 0", "return ev.BaseOffset >= 0"},
		{"a refusal with an offset is one", "producers.go", "if hasAppended(answer) {", "if false {"},
		{"a restart is a fault like any other", "diagnoseduplicate.go", "\t\tif restarts {\n\t\t\tforgot =", "\t\tif restarts && false {\n\t\t\tforgot ="},
		{"causes of one kind are one anomaly", "protocol.go", "protocolKey{kind, cause, ev.Process", "protocolKey{kind, CauseNotDeduplicated, ev.Process"},
		{"kfake is judged as Kafka", "conclude.go", "case g.Name == BrokerProtocol && j.story.embedded:", "case false:"},
		{"an inconclusive guarantee passes", "conclude.go", "if why := j.unproven(g.Name); why != \"\" {", "if why := j.unproven(g.Name); why == \"never\" {"},
		{"fewer anomalies than expected will do", "expect.go", "if has != wants {", "if has > wants {"},
		{"anything may come along with the expected", "expect.go", "if kind != j.expect && !j.comesWith(kind) {", "if kind == \"\" {"},
		{"ops may be missing", "assumptions.go", "if sent[p.ID] != p.Sent {", "if sent[p.ID] > p.Sent {"},
		{"faults need not end", "assumptions.go", "case started[f.ID] != ended[f.ID]:", "case false:"},
		{"faults need not fire", "assumptions.go", "case started[f.ID] == 0:", "case false:"},
		{"one refusal speaks for the attempts before it", "diagnoseduplicate.go", "if refused = a.refused(); !refused {", "if refused = a.refused(); false {"},
		{"what is to be found need not be, to excuse a run without acks", "assumptions.go", `case j.expect != "" && j.countOf(j.expect) > 0:`, `case j.expect != "":`},
		{"what was found excuses nothing", "assumptions.go", `case j.expect != "" && j.countOf(j.expect) > 0:`, "case false:"},
		{"coverage is not asked for", "assumptions.go", "has < wants", "has < 0"},
		{"topics need not be empty", "assumptions.go", "if t.Starts[p] != 0 {", "if t.Starts[p] > 1<<40 {"},
		{"damage goes unheard", "assumptions.go", "for _, damage := range j.damage() {", "for _, damage := range j.damage()[:0] {"},
		{"the judges may disagree", "crosscheck.go", "if counts[string(StaleOrder)] != stale {", "if false {"},
		{"an abort is a commit", "committed.go", "c.end(key, c.hide)\n\tcase r.Standing", "c.end(key, c.see)\n\tcase r.Standing"},
		{"a transaction is seen before it ends", "committed.go", "case c.transactional[r.Process]:", "case false:"},
		{"a transaction that is left open is forgotten", "committed.go", "\tc.rest()\n", ""},
		{"a marker ends what others have open", "committed.go", "r.Topic, Partition: r.Partition}, r.ProducerID}", "r.Topic, Partition: r.Partition}, 0}"},
		{"what is not ours carries messages", "committed.go", "case r.Standing != history.Intact:", "case false:"},
		{"a message somewhere is a message everywhere", "messages.go", "whole = whole.and(*m.seen[tp])", "_ = tp"},
		{"a consumer may see what nobody can", "processed.go", "once != p.seen", "once < p.seen"},
		{"who has no successor is a zombie", "zombies.go", "p.Producer == j.process[id].Producer && p.ID < id", "p.ID < id"},
		{"a zombie's answers are what clients were told", "zombies.go", "case hasAppended(ev):", "case ev.Action == history.ActionPassed:"},
		{"any refusal fences", "zombies.go", "case fences(code):", "case code > 0:"},
		{"any first sequence is a new beginning", "zombies.go", " || ev.BaseSequence != 0", ""},
		{"windows forget the ops before them", "linear/windows.go", "if op.ret >= earliest {", "if false {"},
		{"windows carry the ops called first", "linear/windows.go", "return op.call < last", "return op.call > last"},
		{"an unknown op takes effect before the read", "linear/plain.go", "Output: history.NoOffset, Return: never}", "Output: history.NoOffset, Return: op.Return}"},
	}
}

// TestMutantsAreUpToDate needs no compiling: a mutant whose place in the
// sources has changed tests nothing.
func TestMutantsAreUpToDate(t *testing.T) {
	for _, m := range mutants() {
		source, err := os.ReadFile(m.file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.old); n != 1 {
			t.Errorf("%s: %q is %d times in %s, want once: bring the mutant up to date", m.name, m.old, n, m.file)
		}
	}
}

// TestEveryMutantOfTheCheckersIsNoticed breaks the checkers in small ways, one
// at a time, and demands that a quick test fails each time. It compiles once
// per mutant, so it runs only when IDEMCHECK_MUTANTS=1.
func TestEveryMutantOfTheCheckersIsNoticed(t *testing.T) {
	if os.Getenv("IDEMCHECK_MUTANTS") != "1" {
		t.Skip("compiles the checkers once per mutant: set IDEMCHECK_MUTANTS=1 to run it")
	}
	began := time.Now()
	if out, failed := quickTests("", ".", "./linear"); failed {
		t.Fatalf("the quick tests fail without any mutant:\n%s", out)
	}
	var group sync.WaitGroup
	next := make(chan mutant)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for m := range next {
				m.check(t)
			}
		})
	}
	for _, m := range mutants() {
		next <- m
	}
	close(next)
	group.Wait()
	t.Logf("%d mutants in %v", len(mutants()), time.Since(began).Round(time.Second))
}

// check applies the mutant through an overlay, which leaves the sources alone.
func (m mutant) check(t *testing.T) {
	dir := t.TempDir()
	path, err := filepath.Abs(m.file)
	if err != nil {
		t.Error(err)
		return
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o644); err != nil {
		t.Error(err)
		return
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Error(err)
		return
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		t.Error(err)
		return
	}
	packages := []string{"."}
	if strings.HasPrefix(m.file, "linear/") {
		packages = append(packages, "./linear")
	}
	out, failed := quickTests(overlay, packages...)
	switch {
	case !failed:
		t.Errorf("%s (%s): no test noticed", m.name, m.file)
	case !bytes.Contains(out, []byte("--- FAIL")) && !bytes.Contains(out, []byte("panic:")):
		t.Errorf("%s (%s): the mutant does not compile:\n%s", m.name, m.file, out)
	}
}

// quickTests runs the short tests of the packages, mutated by the overlay if
// one is given.
func quickTests(overlay string, packages ...string) (out []byte, failed bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := []string{"test", "-short", "-count=1", "-vet=off", "-failfast", "-ldflags=-s -w", "-gcflags=-N -l"}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	command := exec.CommandContext(ctx, "go", append(args, packages...)...)
	command.Env = append(os.Environ(), "IDEMCHECK_MUTANTS=", "IDEMCHECK_FUZZ=2000")
	out, err := command.CombinedOutput()
	return out, err != nil
}
