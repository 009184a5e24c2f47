package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

func verdict(overall checker.Status, asExpected bool, why string) *checker.Verdict {
	return &checker.Verdict{
		Overall: overall, AsExpected: asExpected, Why: why, Scenario: "ack-loss", Seed: 7,
		Totals:   checker.Totals{Sent: 1600, Acked: 1599},
		Coverage: map[string]int64{"faults_fired": 1, "dropped_acks": 2, "dropped_ack_records": 5, "retries": 2, "deduplicated": 1, "reconnects": 0},
		Guarantees: []checker.Guarantee{
			{Name: "duplicates", Promise: "a record is stored once", Status: checker.Pass, Why: "1600 records in the log"},
		},
	}
}

func duplicates() *checker.Verdict {
	v := verdict(checker.Violation, false, "found 3 duplicate")
	v.Guarantees[0].Status, v.Guarantees[0].Why = checker.Violation, "3 duplicate, from 3 causes"
	for i := range int64(3) {
		v.Guarantees[0].Anomalies = append(v.Guarantees[0].Anomalies, checker.Anomaly{
			Kind: "duplicate", Count: 1 + i, Process: 0, Topic: "t", Partition: 1, Number: 17 + i, Blame: checker.BlameBroker, Diagnosis: "stored again at offset 9",
			Ops: []history.Op{
				{Process: 0, Topic: "t", Partition: 1, Number: 17 + i, Call: 1e9, Return: 3e9, Outcome: history.Acked, Offset: 9},
				{Process: 0, Topic: "t", Partition: 1, Number: 18 + i, Call: 1e9, Return: history.Forever, Outcome: history.Unknown, Offset: -1},
			},
			Wire: []history.WireEvent{
				{At: 15e8, Kind: history.WireRequest, Action: history.ActionPassed, Fault: -1, Broker: 1, Conn: 4, Correlation: 9, ProducerID: 1000, Epoch: 0, BaseSequence: 17, First: 17, Last: 17},
				{At: 2e9, Kind: history.WireAnswer, Action: history.ActionCut, Fault: 3, Broker: 1, Conn: 4, Correlation: 9, ProducerID: -1, First: 17, Last: 17, BaseOffset: 8},
			},
			Log: []history.LogRecord{{Topic: "t", Partition: 1, Offset: 9, Number: 17 + i, ProducerID: 1000, Sequence: 17, LeaderEpoch: 2}},
		})
	}
	return v
}

func results() []Result {
	return []Result{
		{Folder: "smoke", Scenario: "ack-loss", Seed: 7, Dir: "runs/1", Took: 1234 * time.Millisecond, Outcome: AsExpected, Verdict: verdict(checker.Pass, true, "every guarantee held for 1600 records")},
		{Folder: "smoke", Scenario: "kill-leader", Seed: 7, Dir: "runs/2", Took: time.Second, Outcome: NotAsExpected, Verdict: duplicates()},
		{Folder: "smoke", Scenario: "pause-leader", Outcome: Skipped, Skipped: "the embedded cluster has no power"},
		{Folder: "basic", Scenario: "delayed", Dir: "runs/3", Outcome: Inconclusive, Verdict: verdict(checker.Inconclusive, false, "the run proves too little: retries 2, wanted 8")},
		{Folder: "", Scenario: "own", Outcome: Broken, Broken: "cluster: no such image\npull it first"},
	}
}

func line(r Result, s Style) string {
	var b bytes.Buffer
	Line(&b, r, s)
	return b.String()
}

func TestALineSaysWhatCameOutAndWhereToLook(t *testing.T) {
	want := []string{
		`ok   ack-loss                   every guarantee held for 1600 records  (1.2 s)
    1600 records, 1599 acked, 1 fault, 2 acks lost (5 records), 2 retries, 1 duplicate suppressed
`,
		`FAIL kill-leader                found 3 duplicate  (1.0 s)
    1600 records, 1599 acked, 1 fault, 2 acks lost (5 records), 2 retries, 1 duplicate suppressed
    duplicates: 3 duplicate, from 3 causes
      - stored again at offset 9 [broker]
      - stored again at offset 9 [broker]
      ... 1 more kept in verdict.json
    idemcheck show runs/2
`,
		"skip pause-leader               the embedded cluster has no power\n",
		`???? delayed                    the run proves too little: retries 2, wanted 8
    1600 records, 1599 acked, 1 fault, 2 acks lost (5 records), 2 retries, 1 duplicate suppressed
    idemcheck show runs/3
`,
		`ERR  own                        could not be carried out
    cluster: no such image
    pull it first
`,
	}
	for i, r := range results() {
		if got := line(r, Style{}); got != want[i] {
			t.Errorf("got\n%s\nwant\n%s", got, want[i])
		}
	}
}

func TestOneOfSomethingIsSingular(t *testing.T) {
	v := verdict(checker.Pass, true, "")
	v.Totals = checker.Totals{Sent: 1, Acked: 1}
	v.Coverage = map[string]int64{"dropped_acks": 1, "dropped_ack_records": 1, "retries": 1, "leader_changes": 1}
	if got := Exercised(v); got != "1 record, 1 acked, 1 ack lost (1 record), 1 retry, 1 leader change" {
		t.Error(got)
	}
	var b bytes.Buffer
	Summary(&b, results()[:1], time.Second, Style{})
	if got := b.String(); got != "\n1 scenario: 1 as expected, in 1.0 s\n" {
		t.Errorf("%q", got)
	}
}

func TestTheSummaryCountsEveryOutcome(t *testing.T) {
	var b bytes.Buffer
	Summary(&b, results(), 61*time.Second, Style{})
	if got := b.String(); got != "\n5 scenarios: 1 as expected, 1 not as expected, 1 inconclusive, 1 broken, 1 skipped, in 61.0 s\n" {
		t.Errorf("%q", got)
	}
	b.Reset()
	Summary(&b, nil, 0, Style{})
	if got := b.String(); got != "\n0 scenarios: nothing was run, in 0.0 s\n" {
		t.Errorf("%q", got)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestColourAddsEscapesAndNothingElse(t *testing.T) {
	for _, r := range results() {
		plain, colour := line(r, Style{}), line(r, Style{Colour: true})
		if strings.Contains(plain, "\x1b") || colour == plain || escapes.ReplaceAllString(colour, "") != plain {
			t.Errorf("plain %q, coloured %q", plain, colour)
		}
	}
}

func TestAtAWidthNoLineIsLongerAndNothingIsLost(t *testing.T) {
	r := results()[1]
	long := strings.Repeat("a batch was appended and its answer lost ", 8) + "https://example.org/" + strings.Repeat("x", 100)
	r.Verdict.Guarantees[0].Anomalies[0].Diagnosis = long
	r.Verdict.Why = long
	for _, style := range []Style{{Width: 80}, {Width: 80, Colour: true}, {Width: 120}} {
		text := line(r, style)
		for _, l := range strings.Split(text, "\n") {
			bare := escapes.ReplaceAllString(l, "")
			if len([]rune(bare)) > style.Width && !strings.Contains(bare, "https://") {
				t.Errorf("%d columns: %q", len(bare), bare)
			}
		}
		words := func(s string) string { return strings.Join(strings.Fields(escapes.ReplaceAllString(s, "")), " ") }
		if words(text) != words(line(r, Style{})) {
			t.Errorf("words were lost:\n%s", text)
		}
	}
}

func TestWhatIsFoldedGoesOnBehindItsLeader(t *testing.T) {
	for line, want := range map[string]string{
		"ok   name      one two three four five six seven\n":  "ok   name      one two three\n               four five six\n               seven\n",
		"       1.000 s  one two three four five six seven\n": "       1.000 s  one two three\n                four five six\n                seven\n",
		"      - one two three four five six seven\n":         "      - one two three four five\n        six seven\n",
		"  lost   pass  one two three four five six seven\n":  "  lost   pass  one two three\n               four five six\n               seven\n",
		"one two three four five six seven eight\n":           "one two three four five six\nseven eight\n",
		"short\n": "short\n",
		"":        "",
	} {
		if got := (Style{Width: 32}).fold(line); got != want {
			t.Errorf("%q\nfolded to\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestTerminalControlsInAnErrorAreNotObeyed(t *testing.T) {
	r := Result{Scenario: "x", Outcome: Broken, Broken: "bad \x1b[2J\x07 \x00text\r\xff"}
	if got := line(r, Style{}); strings.ContainsAny(got, "\x1b\x07\x00\r") || !utf8.ValidString(got) || !strings.Contains(got, "text") {
		t.Errorf("%q", got)
	}
}

func TestJUnitIsWellFormedWhateverErrorsSay(t *testing.T) {
	all := results()
	nasty := "]]> & <x> \"'\x00\x01\x1b[31m\xff\xfe\ufffe end"
	all[4].Broken = nasty
	all[1].Verdict.Guarantees[0].Anomalies[0].Diagnosis = nasty
	all[2].Skipped = nasty
	all[0].Dir = nasty
	all[3].Verdict.Why = nasty
	all = append(all, Result{Folder: "smoke", Scenario: "late", Outcome: AsExpected}) // the folder comes back
	var b bytes.Buffer
	if err := JUnit(&b, all); err != nil {
		t.Fatal(err)
	}
	type problem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	var doc struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Tests int    `xml:"tests,attr"`
			Time  string `xml:"time,attr"`
			Cases []struct {
				Name    string   `xml:"name,attr"`
				Class   string   `xml:"classname,attr"`
				Failure *problem `xml:"failure"`
				Error   *problem `xml:"error"`
				Skipped *problem `xml:"skipped"`
				Out     string   `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	text := b.String()
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if doc.Tests != 6 || doc.Failures != 1 || doc.Errors != 2 || doc.Skipped != 1 || len(doc.Suites) != 3 {
		t.Errorf("%d tests, %d failures, %d errors, %d skipped, %d suites", doc.Tests, doc.Failures, doc.Errors, doc.Skipped, len(doc.Suites))
	}
	smoke := doc.Suites[0]
	if smoke.Name != "smoke" || smoke.Tests != 4 || smoke.Time != "2.234" || smoke.Cases[0].Class != "idemcheck.smoke" || !strings.Contains(smoke.Cases[0].Out, "seed 7") {
		t.Errorf("%+v", smoke)
	}
	if f := smoke.Cases[1].Failure; f == nil || f.Type != "violation" || f.Message != "found 3 duplicate" || !strings.Contains(f.Text, "]]> & <x>") || !strings.Contains(f.Text, "end [broker]") {
		t.Errorf("%+v", f)
	}
	if e := doc.Suites[2].Cases[0].Error; doc.Suites[2].Name != "scenario files" || e == nil || !strings.Contains(e.Message, "]]> & <x>") {
		t.Errorf("%+v", e)
	}
}

func TestJUnitOfNothingIsADocumentToo(t *testing.T) {
	var b bytes.Buffer
	if err := JUnit(&b, nil); err != nil || !strings.Contains(b.String(), "<testsuites") {
		t.Errorf("%v, %q", err, b.String())
	}
}

func TestTheExitStatusIsTheWorstThatMatters(t *testing.T) {
	for name, c := range map[string]struct {
		outcomes []Outcome
		want     int
	}{
		"nothing":                      {nil, 2},
		"all skipped":                  {[]Outcome{Skipped, Skipped}, 2},
		"one as expected":              {[]Outcome{AsExpected}, 0},
		"as expected and skipped":      {[]Outcome{AsExpected, Skipped}, 0},
		"inconclusive":                 {[]Outcome{AsExpected, Inconclusive}, 2},
		"broken":                       {[]Outcome{AsExpected, Broken}, 3},
		"broken and inconclusive":      {[]Outcome{Inconclusive, Broken}, 3},
		"a violation":                  {[]Outcome{AsExpected, NotAsExpected}, 1},
		"a violation in a noisy night": {[]Outcome{Broken, Inconclusive, Skipped, NotAsExpected}, 1},
	} {
		var all []Result
		for _, o := range c.outcomes {
			all = append(all, Result{Outcome: o})
		}
		if got := ExitStatus(all); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestAVerdictIsSummedUpByWhatOutranksWhat(t *testing.T) {
	harness := verdict(checker.Inconclusive, false, "")
	harness.HarnessError = "the clock ran backwards"
	for name, c := range map[string]struct {
		verdict *checker.Verdict
		broken  string
		want    Outcome
	}{
		"no verdict":                        {nil, "", Broken},
		"no verdict of a broken run":        {nil, "x", Broken},
		"a pass":                            {verdict(checker.Pass, true, ""), "", AsExpected},
		"a pass of a broken run":            {verdict(checker.Pass, true, ""), "x", Broken},
		"a pass where a violation was due":  {verdict(checker.Pass, false, ""), "", NotAsExpected},
		"a violation":                       {verdict(checker.Violation, false, ""), "", NotAsExpected},
		"a violation of a broken run":       {verdict(checker.Violation, false, ""), "x", NotAsExpected},
		"the violation expected":            {verdict(checker.Violation, true, ""), "", AsExpected},
		"the one expected, of a broken run": {verdict(checker.Violation, true, ""), "x", Broken},
		"inconclusive":                      {verdict(checker.Inconclusive, false, ""), "", Inconclusive},
		"inconclusive, of a broken run":     {verdict(checker.Inconclusive, false, ""), "x", Broken},
		"inconclusive is never as expected": {verdict(checker.Inconclusive, true, ""), "", Inconclusive},
		"a broken assumption":               {harness, "", Broken},
		"not run":                           {&checker.Verdict{}, "", Broken},
		"not run is never as expected":      {&checker.Verdict{AsExpected: true}, "", Broken},
	} {
		if got := Judged(c.verdict, c.broken); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTheStoryOfAnAnomalyIsInOrder(t *testing.T) {
	var b bytes.Buffer
	v := duplicates()
	v.Guarantees[0].Anomalies = v.Guarantees[0].Anomalies[1:2]
	Anomalies(&b, v, Style{})
	want := `
anomaly 1: duplicate (duplicates): record 18 of process 0 in t/1, and 1 more of the same cause
  promise: a record is stored once
       1.000 s  record 18 of process 0 handed to the client
       1.000 s  record 19 of process 0 handed to the client
       1.500 s  -> produce (pid 1000, epoch 0, seq 17) records 17..17: passed [broker 1, connection 4, correlation 9]
       2.000 s  <- answer NONE at offset 8 to records 17..17 without producer id: cut by fault 3 [broker 1, connection 4, correlation 9]
       3.000 s  record 18 of process 0: client reports acked at offset 9
         never  record 19 of process 0: never answered
    in the log  offset 9: record 18 of process 0, ` + history.LogRecord{}.Standing.String() + ` (pid 1000, epoch 0, seq 17, leader epoch 2)
  to blame: broker
  stored again at offset 9
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.Reset()
	Anomalies(&b, verdict(checker.Pass, true, ""), Style{})
	if b.String() != "\nno anomalies\n" {
		t.Errorf("%q", b.String())
	}
}

func TestTheOverviewTellsTheRunFromItsBeginningToItsVerdict(t *testing.T) {
	run := &history.Run{
		Manifest: &history.Manifest{
			Run: "0badcafe", Scenario: "ack-loss", Why: "because", Seed: 7, ClockBase: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC),
			Cluster: history.ClusterFacts{Kind: "docker", Image: "apache/kafka:4.1.0"}, Ended: history.EndedInterrupted, EndedIn: "send", Error: "stopped",
			Processes: []history.Process{{Library: "franz-go", Version: "v1", Idempotence: true, Acks: "all", Sent: 1}},
			Consumers: []history.Consumer{{ID: 1, Library: "franz-go", Version: "v1", Processed: 130, End: "signal: killed"}},
			Topics:    []history.Topic{{Name: "t", Partitions: 1, Replication: 3, Ends: []int64{9}}},
			Phases:    []history.Phase{{Name: "open", Start: 0, End: 1e9}, {Name: "send", Start: 1e9}},
		},
		Faults: []history.FaultEvent{
			{ID: 0, Fault: "kill-leader", Status: history.FaultStarted, At: 2e9, Target: "broker 1", Trigger: "5 acks"},
			{ID: 0, Fault: "kill-leader", Status: history.FaultEnded, At: 3e9, Hits: history.FaultHits{Requests: 1, Batches: 2, Records: 1, Acks: 1}, Detail: "leader 1 -> 2"},
			{ID: 1, Fault: "move-leader", Status: history.FaultNeverFired, At: 4e9, Trigger: "99 acks", Detail: "why"},
			{ID: 2, Fault: "move-leader", Status: history.FaultBroken, At: 4e9, Error: "no way"},
		},
	}
	var b bytes.Buffer
	Overview(&b, run, verdict(checker.Pass, true, "every guarantee held"), Style{})
	for _, want := range []string{
		"ack-loss  because\n  run 0badcafe, seed 7, 2025-01-02T03:04:05Z, docker apache/kafka:4.1.0\n",
		"  producer 0: franz-go v1, idempotence on, acks all, 1 record\n",
		"  consumer 1: franz-go v1, processed 130 records, ended: signal: killed\n",
		"  topic t: 1 partition, replication 3, end offsets [9]\n",
		"  interrupted in phase send: stopped\n",
		"       0.000 s  phase open (1s)\n",
		"       1.000 s  phase send (cut short)\n",
		"fault 0 kill-leader strikes broker 1, at 5 acks\n",
		"fault 0 kill-leader has ended: hit 1 request, 2 batches, 1 record; 1 acknowledgement lost (leader 1 -> 2)\n",
		"fault 1 move-leader never fired: it waited for 99 acks (why)\n",
		"fault 2 move-leader could not be carried out: no way\n",
		"verdict: pass  every guarantee held\n",
		"  duplicates       pass          1600 records in the log\n",
		"exercised  1600 records, 1599 acked",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the overview does not say %q:\n%s", want, b.String())
		}
	}
}

// nights are results of two versions, with a fault each and times.
func nights() []Result {
	var all []Result
	for i, kafka := range []string{"3.9.2", "4.3.1"} {
		for seed := range uint64(3) {
			r := Result{
				Folder: "mix", Scenario: "hostile", Kafka: kafka, Seed: 7 + seed, Dir: "runs/a", Took: time.Duration(8+seed) * time.Second,
				Outcome: AsExpected, Verdict: verdict(checker.Pass, true, "every guarantee held"),
				Times: Times{Cluster: 6 * time.Second, Heal: 900 * time.Millisecond},
				Faults: []FaultTime{
					{Fault: "kill-leader", Fired: true, Latency: time.Duration(1+seed) * 100 * time.Millisecond, Heal: 4 * time.Second},
					{Fault: "latency", Fired: i == 0},
				},
			}
			if i == 1 && seed == 2 {
				r.Outcome, r.Verdict, r.Dir = NotAsExpected, duplicates(), "runs/b"
			}
			all = append(all, r)
		}
		all = append(all, Result{Folder: "faults", Scenario: "disk|full", Kafka: kafka, Outcome: Skipped, Skipped: `needs a cluster with "disk"`})
	}
	return all
}

func setting() Setting {
	return Setting{
		Version: "v1", Cluster: "docker", Seed: 7, Runs: 3, Shard: "1/2", Left: 4, Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 90 * time.Second,
		Again: func(r Result) string { return "idemcheck run " + r.Kafka },
	}
}

func TestTheTablesHaveARowPerScenarioAndAColumnPerKafka(t *testing.T) {
	var b bytes.Buffer
	Tables(&b, nights(), Style{})
	want := `
  scenario          Kafka 3.9.2           Kafka 4.3.1
  mix/hostile       3 as expected, 9.0 s  2 as expected, 1 violation, 9.0 s
  faults/disk|full  skipped               skipped

  where the time went   runs  cluster  fault latency                     fault heal         whole again  run
  mix/hostile on 3.9.2  3     6.0 s    100 ms, to 300 ms (kill-leader)   4.0 s, to 4.0 s    900 ms       9.0 s, to 10.0 s
`
	if got := b.String(); !strings.HasPrefix(squeeze(got), squeeze(want)) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if line != strings.TrimRight(line, " ") {
			t.Errorf("trailing space: %q", line)
		}
	}
	b.Reset()
	Tables(&b, nil, Style{})
	if b.Len() > 0 {
		t.Errorf("nothing was run: %q", b.String())
	}
}

// squeeze makes every stretch of spaces one.
func squeeze(text string) string { return regexp.MustCompile(" +").ReplaceAllString(text, " ") }

func TestAPageSaysWhatFailedAndHowToSeeItAgain(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b, setting(), nights()); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{
		"# idemcheck: 5 as expected, 1 violation, 2 skipped\n", "idemcheck v1 on docker, Kafka 3.9.2, 4.3.1.", "took 1m30s, exit status 1", "Shard 1/2.", "**4 runs were not got round to.**",
		"| scenario | Kafka 3.9.2 | Kafka 4.3.1 |\n| --- | --- | --- |\n", "| faults/disk\\|full | skipped | skipped |",
		"**every scenario of faults on Kafka 3.9.2 was skipped: it shows nothing**",
		"### mix/hostile on Kafka 4.3.1, seed 9: not as expected", "```sh\nidemcheck run 4.3.1\nidemcheck show runs/b\n```", "- duplicates: stored again at offset 9 \\[broker\\]",
		"| kill-leader | 6 | 6 |\n| latency | 3 | 6 |", "- mix/hostile: 7..9\n", "6 runs, 9600 records sent, 9594 acknowledged",
	} {
		if !strings.Contains(b.String(), says) {
			t.Errorf("does not say %q:\n%s", says, b.String())
		}
	}
}

func TestAPageIsNotBrokenByWhatOthersSay(t *testing.T) {
	all := nights()
	all[0].Outcome, all[0].Broken, all[0].Verdict = Broken, "<script>\n# head | `code` *x*\x1b[31m", nil
	var b bytes.Buffer
	if err := Markdown(&b, setting(), all); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "<script>") || strings.Contains(text, "\n# head") || strings.Contains(text, "\x1b") {
		t.Errorf("obeyed:\n%s", text)
	}
}

func TestARecordSumsEverythingUp(t *testing.T) {
	rec := Sum(setting(), nights())
	if rec.Exit != 1 || rec.Outcomes[AsExpected] != 5 || rec.Records != 9600 || rec.Faults["latency"] != (FaultCount{6, 3}) ||
		rec.Coverage["retries"] != 12 || len(rec.Findings) != 1 || rec.Findings[0].Seed != 9 || len(rec.Seeds["mix/hostile"]) != 3 || len(rec.Versions) != 2 {
		t.Errorf("%+v", rec)
	}
	var b bytes.Buffer
	if err := rec.JSON(&b); err != nil || !strings.Contains(b.String(), `"fired": 3`) {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestSeedsInARowAreSaidShort(t *testing.T) {
	for want, numbers := range map[string][]uint64{"7": {7}, "7..9": {9, 7, 8, 8}, "1, 3..4, 9": {9, 3, 4, 1}} {
		if got := spans(numbers); got != want {
			t.Errorf("%v: %s, want %s", numbers, got, want)
		}
	}
}

func TestAFolderOfWhichNothingRanShowsNothing(t *testing.T) {
	all := []Result{{Folder: "a", Outcome: AsExpected}, {Folder: "b", Outcome: Skipped}, {Folder: "b", Outcome: Skipped}}
	if got := ExitStatus(all); got != 2 {
		t.Errorf("exit status %d, want 2", got)
	}
	all = append(all, Result{Folder: "b", Outcome: AsExpected})
	if got := ExitStatus(all); got != 0 {
		t.Errorf("exit status %d, want 0", got)
	}
	all = append(all, Result{Folder: "b", Kafka: "3.9.2", Outcome: Skipped}) // on this Kafka nothing of b ran
	if got := ExitStatus(all); got != 2 {
		t.Errorf("exit status %d, want 2", got)
	}
}

func TestWhereTheTimeWentIsReadOffTheRunDirectory(t *testing.T) {
	const ms = int64(time.Millisecond)
	run := &history.Run{
		Manifest: &history.Manifest{Phases: []history.Phase{{Name: "cluster", Start: 5 * ms, End: 7005 * ms}, {Name: "send", Start: 7005 * ms, End: 9000 * ms},
			{Name: "settle", Start: 9000 * ms, End: 9500 * ms}, {Name: "heal", Start: 9500 * ms, End: 9900 * ms}, {Name: "read", Start: 9900 * ms}}},
		Plan: &history.Plan{Faults: []history.PlannedFault{{ID: 0, Fault: "kill-leader"}, {ID: 1, Fault: "latency"}, {ID: 2, Fault: "move-leader"}}},
		Faults: []history.FaultEvent{
			{ID: 0, Fault: "kill-leader", Status: history.FaultStarted, At: 8000 * ms, Asked: 7500 * ms, Waited: 400 * ms},
			{ID: 0, Fault: "kill-leader", Status: history.FaultEnded, At: 9300 * ms, Asked: 7500 * ms, HealAsked: 9000 * ms},
			{ID: 1, Fault: "latency", Status: history.FaultNeverFired, At: 9400 * ms},
		},
	}
	times, faults := Measure(run)
	if want := (Times{Cluster: 7 * time.Second, Send: 2495 * time.Millisecond, Heal: 400 * time.Millisecond}); times != want {
		t.Errorf("%+v, want %+v", times, want)
	}
	want := []FaultTime{{"kill-leader", true, 100 * time.Millisecond, 300 * time.Millisecond}, {Fault: "latency"}, {Fault: "move-leader"}}
	if !slices.Equal(faults, want) {
		t.Errorf("%+v, want %+v", faults, want)
	}
}

func clientResults() []Result {
	bad := &checker.Verdict{Overall: checker.Violation, Guarantees: []checker.Guarantee{{
		Name: "duplicates", Status: checker.Violation, Anomalies: []checker.Anomaly{{Kind: checker.Duplicate}, {Kind: checker.Duplicate}},
	}}}
	return []Result{
		{Folder: "clients", Scenario: "lost-acks", Client: "franz-go", Outcome: AsExpected, Dir: "runs/1"},
		{Folder: "clients", Scenario: "lost-acks", Client: "kafka-go@0.4.51", Outcome: NotAsExpected, Dir: "runs/2 x", Verdict: bad},
		{Folder: "clients", Scenario: "silence", Client: "franz-go", Outcome: Broken, Broken: "no", Dir: "runs/3"},
		{Folder: "clients", Scenario: "silence", Client: "kafka-go@0.4.51", Outcome: Skipped, Skipped: "it lacks idempotence"},
	}
}

func TestAMatrixOfClientsSaysWhatWasViolatedAndLeadsToTheRuns(t *testing.T) {
	g := outcomes(clientResults())
	want := "| scenario | franz-go | kafka-go@0.4.51 |\n| --- | --- | --- |\n" +
		"| clients/lost-acks | [as expected](runs/1) | [violation: duplicate](runs/2%20x) |\n| clients/silence | [broken](runs/3) | skipped |\n"
	if got := g.markdown(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestATableThatIsTooWideHasLettersForHeads(t *testing.T) {
	want := "  scenario           a   b\n  clients/lost-acks  ok  X\n  clients/silence    !   -\n\n" +
		"  a  franz-go\n  b  kafka-go@0.4.51\n  ok as expected, X violation, ? inconclusive, ! broken, - skipped\n"
	if got := outcomes(clientResults()).fit(Style{Width: 40}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := outcomes(clientResults()).fit(Style{Width: 100}); !strings.Contains(got, "violation: duplicate") {
		t.Errorf("got\n%s", got)
	}
}
