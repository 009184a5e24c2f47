package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

// stored writes a run of so many records on topic, whose record 1 stands at two
// offsets, and returns it with its verdict.
func stored(t *testing.T, topic, says string, sent int64) (*history.Run, *checker.Verdict) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	m := &history.Manifest{
		Schema: history.Schema, Run: "0badcafe", Scenario: "twice", Why: says, ClockBase: time.Unix(0, 0), Seed: 5,
		Cluster:   history.ClusterFacts{Kind: "docker", Kafka: "4.3.1", Brokers: []int32{2, 3}},
		Topics:    []history.Topic{{Name: topic, Partitions: 1, Starts: []int64{0}, Ends: []int64{3}, Read: []bool{true}}},
		Processes: []history.Process{{ID: 0, ClientID: "p0", Library: "franz-go", Version: says, Sent: sent}},
	}
	plan := &history.Plan{Faults: []history.PlannedFault{{ID: 0, Fault: "cut-after-append"}, {ID: 1, Fault: "latency"}, {ID: 2, Fault: "reset"}}}
	w, err := history.Create(dir, m, plan, history.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	row := func(at int64, kind history.WireKind, action history.Action, fault int32, conn, record, offset int64) history.WireEvent {
		e := seen(at*1e6, kind, action, fault, conn, int32(record), int32(record))
		e.Topic, e.First, e.Last, e.BaseOffset, e.ProducerID, e.Epoch = topic, record, record, offset, -1, -1
		return e
	}
	none := history.NoFault
	frames := []history.WireEvent{
		row(10, history.WireRequest, history.ActionPassed, none, 1, 0, -1), row(11, history.WireAnswer, history.ActionPassed, none, 1, 0, 0),
		row(20, history.WireRequest, history.ActionPassed, none, 1, 1, -1), row(21, history.WireAnswer, history.ActionCut, 0, 1, 1, 1),
		row(40, history.WireRequest, history.ActionPassed, none, 2, 1, -1), row(41, history.WireAnswer, history.ActionPassed, none, 2, 1, 2),
	}
	faults := []history.FaultEvent{
		{ID: 0, Fault: "cut-after-append", Status: history.FaultStarted, At: 21e6 + 9, Trigger: "2 acks", Target: says},
		{ID: 0, Fault: "cut-after-append", Status: history.FaultEnded, At: 21e6 + 9},
		{ID: 1, Fault: "latency", Status: history.FaultStarted, At: 15e6, Trigger: "1 acks"},
		{ID: 1, Fault: "latency", Status: history.FaultEnded, At: 45e6, HealAsked: 44e6, Detail: says},
		{ID: 2, Fault: "reset", Status: history.FaultNeverFired},
	}
	for _, e := range frames {
		err = errors.Join(err, w.Wire(e))
	}
	for _, f := range faults {
		err = errors.Join(err, w.Fault(f))
	}
	op := history.Op{Topic: topic, Number: 1, Call: 19e6, Return: 42e6, Outcome: history.Unknown, Offset: -1, Error: says}
	var log []history.LogRecord
	for offset, number := range []int64{0, 1, 1} {
		r := history.LogRecord{Topic: topic, Offset: int64(offset), Number: number, ProducerID: -1, Epoch: -1, Sequence: -1}
		log = append(log, r)
		err = errors.Join(err, w.Log(r))
	}
	err = errors.Join(err, w.Op(op), w.Close(m))
	if err != nil {
		t.Fatal(err)
	}
	run, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	v := verdict(checker.Violation, true, "found 1 duplicate")
	v.Expected = "duplicate"
	v.Guarantees = append(v.Guarantees, checker.Guarantee{Name: "order", Anomalies: []checker.Anomaly{{Kind: "reorder", Topic: topic, Number: 0, Diagnosis: "the other one"}}})
	v.Guarantees[0].Anomalies = []checker.Anomaly{{
		Kind: "duplicate", Count: 1, Topic: topic, Number: 1, Offsets: []int64{1, 2}, Ops: []history.Op{op}, Log: log[1:], Wire: frames[2:],
		Blame: checker.BlameConfiguration, Diagnosis: says + " without idempotence the broker cannot know",
	}}
	return run, v
}

func written(t *testing.T, run *history.Run, v *checker.Verdict, about PageInfo) (html, markdown string) {
	t.Helper()
	var h, m bytes.Buffer
	if err := errors.Join(Page(&h, run, v, about), PageMarkdown(&m, run, v, about)); err != nil {
		t.Fatal(err)
	}
	return h.String(), m.String()
}

func TestThePageOfASmallRunShowsAllOfIt(t *testing.T) {
	run, v := stored(t, "t", "because", 1)
	html, markdown := written(t, run, v, PageInfo{Command: "idemcheck run x.yaml", Story: []string{"found by seed 7", "two faults were left out"}})
	for text, says := range map[string][]string{
		html: {
			"duplicate (duplicates): record 1 of process 0 in t/0", "to blame: <b>configuration</b>", "because without idempotence the broker cannot know",
			"<pre>idemcheck run x.yaml</pre>", "<li>two faults were left out</li>", ">fault 0 cut-after-append strikes, at 2 acks<", ">fault 1 latency has ended<",
			`class="arrow lost"`, ">NONE at offset 1 to record 1, cut by fault 0<", ">partition 0: no producer id, record 0<", ">0/2<", ">broker 2<", ">producer 0<",
			`<div class="cell about"><b>2: record 1 of 0</b>`, `<div class="cell"><b>0: record 0 of 0</b>`, "<td>NONE at offset 2</td>", "Not shown: 1 fault that never struck.",
		},
		markdown: {
			"# duplicate (duplicates): record 1 of process 0 in t/0", "**To blame: configuration.**", "2. two faults were left out", "```sh\nidemcheck run x.yaml\n```",
			">    +11.0 ms  P0      #x--- B2   NONE at offset 1 to record 1, cut by fault 0 (stored)", "      +0.0 ms  P0  ----|---> B2   partition 0: no producer id, record 0",
			"| 2 | record 1 of 0 | no id | here |", "Not shown: 1 fault that never struck.",
		},
	} {
		for _, s := range says {
			if !strings.Contains(text, s) {
				t.Errorf("does not say %q:\n%s", s, text)
			}
		}
	}
	if strings.Contains(html, "the other one") {
		t.Error("the anomaly that was expected comes first")
	}
}

func TestAFaultStandsInFrontOfTheFrameThatBroughtItOn(t *testing.T) {
	run, v := stored(t, "t", "because", 1)
	html, markdown := written(t, run, v, PageInfo{})
	for _, text := range []string{html, markdown} {
		strikes, cut := strings.Index(text, "fault 0 cut-after-append strikes"), strings.Index(text, "record 1, cut by fault 0")
		if strikes < 0 || cut < strikes {
			t.Errorf("the strike stands at %d, the frame it cut at %d:\n%s", strikes, cut, text)
		}
	}
}

func TestThePageOfABigRunSaysWhatItLeavesOut(t *testing.T) {
	run, v := stored(t, "t", "because", 5000)
	html, markdown := written(t, run, v, PageInfo{})
	for _, text := range []string{html, markdown} {
		if !strings.Contains(text, "Not shown: 4999 records; 2 batches, answers and other rows of the wire journal; 1 fault that never struck.") || strings.Contains(text, "no producer id, record 0") {
			t.Error(text)
		}
	}
	v.Guarantees = nil
	html, _ = written(t, run, v, PageInfo{})
	if !strings.Contains(html, "There is no anomaly") || strings.Contains(html, "<svg") {
		t.Error(html)
	}
}

func TestNothingOnThePageIsMoreThanText(t *testing.T) {
	for _, hostile := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "```\n# title\x1b[2J\x00", "a|b\nc", `</text></svg><script>`, "\xff\xfe {{.}}"} {
		run, v := stored(t, hostile, hostile, 2)
		html, markdown := written(t, run, v, PageInfo{Command: hostile, Story: []string{hostile}})
		if strings.Contains(html, "<script") || strings.Contains(html, "<img") || strings.ContainsAny(html+markdown, "\x00\x1b") {
			t.Errorf("%q: %s", hostile, html)
		}
		if fences := regexp.MustCompile("(?m)^```").FindAllString(markdown, -1); len(fences) != 4 {
			t.Errorf("%q: %d fences\n%s", hostile, len(fences), markdown)
		}
		if prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(markdown, ""); strings.Contains(prose, "\n# title") || strings.Contains(prose, "<script") {
			t.Errorf("%q:\n%s", hostile, markdown)
		}
		svg := html[strings.Index(html, "<svg"):strings.Index(html, "</svg>")] + "</svg>"
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%q: the drawing is no XML: %v\n%s", hostile, err, svg)
			}
		}
	}
}

func TestThePageOfAnAnomalyNeedsNothingBesideIt(t *testing.T) {
	run, v := stored(t, "t", "because", 1)
	html, _ := written(t, run, v, PageInfo{})
	for _, link := range regexp.MustCompile(`(?:href|src|url|@import)\s*[=(]?\s*"?([^" )>]+)`).FindAllStringSubmatch(html, -1) {
		if !strings.HasPrefix(link[1], "#") {
			t.Errorf("it refers to %s", link[1])
		}
	}
	for _, tag := range []string{"div", "table", "tbody", "thead", "tr", "td", "th", "ol", "dl", "p", "svg", "text", "pre", "span"} {
		opened := len(regexp.MustCompile(fmt.Sprintf(`<%s[ >]`, tag)).FindAllString(html, -1))
		if closed := strings.Count(html, "</"+tag+">"); opened != closed {
			t.Errorf("%s: %d opened, %d closed", tag, opened, closed)
		}
	}
}
