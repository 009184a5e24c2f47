package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// conformRun is a run on two brokers that answered, and on one that did not start.
func conformRun() matrix.Matrix {
	m := matrix.Matrix{
		Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Idemcheck: "v1", Command: "idemcheck conform --kafka 4.3.1",
		Cases: []matrix.Case{
			{Number: 1, Name: "first-batch", Group: "sequences", Promise: "it is stored", Source: "KIP-98"},
			{Number: 2, Name: "gap", Group: "sequences", Promise: "a gap is refused", Source: "KIP-98"},
			{Number: 13, Name: "wrap", Group: "wrap", Promise: "0 comes behind 2147483647", Source: "KIP-98"},
			{Number: 14, Name: "restart", Group: "restart", Promise: "it is known after a restart", Source: "KIP-98"},
			{Number: 15, Name: "other", Group: "wrap", Promise: "nothing", Source: "nowhere"},
		},
	}
	for i, name := range []string{"Kafka 4.3.1", "other broker"} {
		topic := fmt.Sprintf("conform-13-0-%d/0", 1795734419038202749+i)
		failed := fmt.Sprintf("produce [0] to %s (version %d)", topic, 12+i)
		m.Columns = append(m.Columns, matrix.Column{Name: name, Broker: "three of them", As: "4.3", Cells: []matrix.Cell{
			{Case: 1, Verdict: matrix.Pass, Took: time.Second, Steps: []matrix.Step{{What: "produce", Said: "0 (NONE)", Expected: "0 (NONE)", Verdict: matrix.Pass}}},
			{Case: 2, Verdict: matrix.NonStrict, Reason: "another code"},
			{Case: 13, Verdict: matrix.Fail, Took: 500 * time.Millisecond, Reason: failed + ": 45, and expected was 0 (a note)", Steps: []matrix.Step{
				{What: "produce [2147483647]", Said: "0 (NONE)", Expected: "0 (NONE)", Verdict: matrix.Pass, Frames: []matrix.Frame{{API: "Early"}}},
				{What: failed, Said: "45", Expected: "0", Note: "a note", Verdict: matrix.Fail, Frames: []matrix.Frame{
					{API: "Older"},
					{At: 1500 * time.Microsecond, Broker: 1, API: "Produce", Version: 12, Correlation: 3, Decoded: "Acks: -1\n```\nTopics[0]", Bytes: []byte("\x00\x00idem")},
					{At: 2 * time.Millisecond, Broker: -1, Answer: true, API: "Produce", Version: 12, Correlation: 3, Decoded: strings.Repeat("line\n", 60) + "end", Bytes: make([]byte, 5000)},
				}},
				{What: "the log", Said: "ends at 2", Verdict: matrix.Pass},
			}},
			{Case: 14, Verdict: matrix.NotApplicable, Reason: "it needs power"},
			{Case: 15, Verdict: matrix.NotApplicable, Reason: "it needs power"},
		}})
	}
	m.Columns = append(m.Columns, matrix.Column{Name: "old", Broken: "the cluster\ndid not start"})
	return m
}

func conformText(m matrix.Matrix, s Style) string {
	var b bytes.Buffer
	Conformance(&b, s, m)
	return b.String()
}

func conformMarkdown(t *testing.T, m matrix.Matrix) string {
	t.Helper()
	var b bytes.Buffer
	if err := ConformanceMarkdown(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAConformanceRunIsATableThenWhatIsNotAPassThenCounts(t *testing.T) {
	want := `
  case             Kafka 4.3.1  other broker  old
  sequences
    1 first-batch  ok           ok            .
    2 gap          ok~          ok~           .
  wrap
   13 wrap         FAIL         FAIL          .
   15 other        -            -             .
  restart
   14 restart      -            -             .

  ok~    not as promised, and harmless
  -      not applicable
  .      not run

2 gap
  a gap is refused
  KIP-98
    - ok~ Kafka 4.3.1, other broker: another code

13 wrap
  0 comes behind 2147483647
  KIP-98
    - FAIL Kafka 4.3.1, other broker: produce [0] to conform-13-0/0: 45, and expected was 0 (a note)

not applicable
  - 14..15 on Kafka 4.3.1, other broker: it needs power

Kafka 4.3.1: 1 pass, 1 non-strict, 1 fail, 2 not-applicable
other broker: 1 pass, 1 non-strict, 1 fail, 2 not-applicable
old: broken: the cluster did not start
`
	if got := conformText(conformRun(), Style{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	coloured := conformText(conformRun(), Style{Colour: true})
	if coloured == want || escapes.ReplaceAllString(coloured, "") != want {
		t.Errorf("colour changes more than colour:\n%s", coloured)
	}
}

func TestOneBrokerIsNotNamedInEachLine(t *testing.T) {
	m := conformRun()
	m.Columns = m.Columns[:1]
	got := conformText(m, Style{})
	for _, says := range []string{"    - FAIL produce [0] to conform-13-0/0 (version 12): 45", "  - 14..15: it needs power\n"} {
		if !strings.Contains(got, says) {
			t.Errorf("does not say %q:\n%s", says, got)
		}
	}
}

func TestWhatIsKnownAndWhatIsASurpriseIsMarked(t *testing.T) {
	m := conformRun()
	m.Expect([]matrix.Expected{
		{Case: 13, Verdict: matrix.Fail, Reason: "ticket 42", On: []string{"other broker"}},
		{Case: 1, Verdict: matrix.Fail, Reason: "old", On: []string{"Kafka 4.3.1"}},
	})
	got := conformText(m, Style{})
	for _, says := range []string{
		"    1 first-batch  ok!          ok            .\n", "   13 wrap         FAIL         known         .\n",
		"  known  in the file of expected failures\n", "  !      better than the file of expected failures has it\n",
		"    - ok! Kafka 4.3.1: better than the file of expected failures has it: take the entry out\n",
		"    - known other broker: produce [0] to conform-13-0/0 (version 13): 45, and expected was 0 (a note); known: ticket 42\n",
		"Kafka 4.3.1: 1 pass, 1 non-strict, 1 fail, 2 not-applicable, 1 surprise\n", "1 fail (1 known)",
	} {
		if !strings.Contains(got, says) {
			t.Errorf("does not say %q:\n%s", says, got)
		}
	}
	page := conformMarkdown(t, m)
	for _, says := range []string{"| fail | fail (known) | not-run |", "| pass (surprise) | pass |", "**fail (known)** on other broker, known: ticket 42\n"} {
		if !strings.Contains(page, says) {
			t.Errorf("does not say %q:\n%s", says, page)
		}
	}
}

func TestLongNamesOfBrokersBecomeLetters(t *testing.T) {
	m := conformRun()
	m.Columns[0].Name = "Kafka 4.3.1 with " + strings.Repeat("very ", 20) + "many settings"
	got := conformText(m, Style{Width: 80})
	for _, says := range []string{"  case             a     b     c\n", "   13 wrap         FAIL  FAIL  .\n", "  b  other broker\n"} {
		if !strings.Contains(got, says) {
			t.Errorf("does not say %q:\n%s", says, got)
		}
	}
}

func TestAnEmptyRunIsSaidToBeOneInEveryForm(t *testing.T) {
	if got := conformText(matrix.Matrix{}, Style{}); !strings.Contains(got, "no broker was looked at") {
		t.Errorf("%q", got)
	}
	if got := conformMarkdown(t, matrix.Matrix{}); !strings.Contains(got, "No broker was looked at.") {
		t.Errorf("%q", got)
	}
	if got := conformHTML(t, matrix.Matrix{}); !strings.Contains(got, "No broker was looked at.") {
		t.Errorf("%q", got)
	}
	var b bytes.Buffer
	if err := ConformanceJUnit(&b, matrix.Matrix{}); err != nil || !strings.Contains(b.String(), "<testsuites") {
		t.Errorf("%v, %q", err, b.String())
	}
}

func TestAPageOfAConformanceRunIsShortAndShowsTheLastExchangeOfAFailure(t *testing.T) {
	got := conformMarkdown(t, conformRun())
	for _, says := range []string{
		"idemcheck v1, 2026-01-02T03:04:05Z\n\n```sh\nidemcheck conform --kafka 4.3.1\n```\n",
		"- **Kafka 4.3.1**, three of them, held to the rules of Kafka 4.3: 1 pass, 1 non-strict, 1 fail, 2 not-applicable\n",
		"- **old**: 5 not-run; **there is nothing to be seen: the cluster did not start**\n",
		"| sequences | 1 first-batch | pass | pass | not-run |\n|  | 2 gap | non-strict | non-strict | not-run |\n",
		"### 13 wrap\n\nPromise: 0 comes behind 2147483647. Source: KIP-98.\n\n**fail** on Kafka 4.3.1, other broker (below: Kafka 4.3.1)\n\n" +
			"- produce \\[2147483647\\]: 0 (NONE)\n- **fail**: produce \\[0\\] to conform-13-0/0 (version 12): 45, and expected was 0 (a note)\n- the log: ends at 2\n",
		"```text\n-> Produce version 12 to broker 1, correlation id 3\nAcks: -1\n'''\nTopics[0]\n```\n",
		"```text\n<- Produce version 12 from the address given, correlation id 3\nline\n", "... 21 lines more\n```\n",
		"## Not applicable\n\n- 14..15 on Kafka 4.3.1, other broker: it needs power\n",
	} {
		if !strings.Contains(got, says) {
			t.Errorf("does not say %q:\n%s", says, got)
		}
	}
	if strings.Contains(got, "Older") || strings.Contains(got, "Early") || strings.Count(got, "```text") != 2 {
		t.Errorf("too many requests and answers:\n%s", got)
	}
}

func TestOfALongConversationThePartThatDecidedIsKept(t *testing.T) {
	cell := matrix.Cell{Verdict: matrix.Fail}
	for i := range 100 {
		s := matrix.Step{What: fmt.Sprint(i), Verdict: matrix.Pass}
		if i == 50 {
			s.Verdict = matrix.Fail
		}
		cell.Steps = append(cell.Steps, s)
	}
	left, steps := excerpt(&cell)
	if left != 41 || len(steps) != mostSteps || steps[9].Verdict != matrix.Fail {
		t.Errorf("%d left, then %v", left, steps)
	}
	if left, steps := excerpt(&matrix.Cell{Verdict: matrix.Error}); left != 0 || len(steps) != 0 {
		t.Errorf("of nothing: %d, %v", left, steps)
	}
}

// hostile is a run in which everything that others say is hostile.
func hostile(text string) matrix.Matrix {
	m := conformRun()
	for i := range m.Columns {
		m.Columns[i].Name += text
		m.Columns[i].Broker, m.Columns[i].As = text, text
		for j := range m.Columns[i].Cells {
			cell := &m.Columns[i].Cells[j]
			cell.Reason, cell.Known = text, ""
			for k := range cell.Steps {
				step := &cell.Steps[k]
				step.What, step.Said, step.Expected, step.Note = text, text, text, text
				for l := range step.Frames {
					step.Frames[l].API, step.Frames[l].Decoded, step.Frames[l].Bytes = text, text, []byte(text)
				}
			}
		}
	}
	m.Columns[1].Cells[2].Known = text
	m.Columns[2].Broken = text
	m.Command, m.Idemcheck = text, text
	return m
}

const nasty = "<script>alert(1)</script>\n# head | `code` \"'>]]>\x1b[2J\x00\ufffe\xff ```\n</pre>"

func TestNothingThatABrokerSaysIsObeyed(t *testing.T) {
	m := hostile(nasty)
	var x bytes.Buffer
	if err := ConformanceJUnit(&x, m); err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{
		"terminal": conformText(m, Style{Width: 80}), "Markdown": conformMarkdown(t, m), "HTML": conformHTML(t, m), "JUnit": x.String(),
	} {
		if strings.ContainsAny(text, "\x1b\x00\ufffe") || strings.ToValidUTF8(text, "") != text {
			t.Errorf("%s: controls are passed on", form)
		}
		if !strings.Contains(text, "alert(1)") {
			t.Errorf("%s: what was said is lost", form)
		}
	}
	blocks := strings.Split(conformMarkdown(t, m), "```")
	if len(blocks)%2 != 1 {
		t.Errorf("a block of code is not closed:\n%s", strings.Join(blocks, "```"))
	}
	for i := 0; i < len(blocks); i += 2 { // outside of code
		if strings.Contains(blocks[i], "<script") || strings.Contains(blocks[i], "\n# head") {
			t.Errorf("obeyed: %s", blocks[i])
		}
	}
	if page := conformHTML(t, m); strings.Contains(page, "<script>alert") || strings.Count(page, "<script>") != 1 || strings.Count(page, "<pre") != strings.Count(page, "</pre>") {
		t.Errorf("obeyed:\n%s", page)
	}
}

func TestJUnitHasASuitePerBrokerAndAPlaceForEachVerdict(t *testing.T) {
	m := conformRun()
	m.Columns[0].Cells[4] = matrix.Cell{Case: 15, Verdict: matrix.Error, Reason: "no broker\ncan be reached"}
	m.Expect([]matrix.Expected{
		{Case: 13, Verdict: matrix.Fail, Reason: "ticket 42", On: []string{"other broker"}}, {Case: 1, Verdict: matrix.Fail, Reason: "old", On: []string{"other broker"}},
	})
	var b bytes.Buffer
	if err := ConformanceJUnit(&b, m); err != nil {
		t.Fatal(err)
	}
	type problem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	var doc struct {
		Suites []struct {
			Name  string `xml:"name,attr"`
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
	if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if len(doc.Suites) != 3 || len(doc.Suites[0].Cases) != 5 || len(doc.Suites[2].Cases) != 1 {
		t.Fatalf("%+v", doc)
	}
	kafka, other, old := doc.Suites[0], doc.Suites[1].Cases, doc.Suites[2].Cases[0]
	if kafka.Name != "Kafka 4.3.1" || kafka.Time != "1.500" || kafka.Cases[2].Class != "idemcheck.conform.Kafka_4_3_1.wrap" || kafka.Cases[2].Name != "13 wrap" {
		t.Errorf("%+v", kafka)
	}
	if p := kafka.Cases[0]; p.Failure != nil || p.Error != nil || p.Skipped != nil || p.Out != "" {
		t.Errorf("a pass: %+v", p)
	}
	if got := kafka.Cases[1].Out; got != "non-strict: another code" {
		t.Errorf("non-strict: %q", got)
	}
	if f := kafka.Cases[2].Failure; f == nil || f.Type != "fail" || !strings.HasPrefix(f.Message, "produce [0] to conform-13-0/0 (version 12): 45") ||
		!strings.Contains(f.Text, "promise: 0 comes behind 2147483647\nsource: KIP-98\n[pass] produce [2147483647]: 0 (NONE)\n[fail] produce [0]") {
		t.Errorf("a failure: %+v", f)
	}
	if s := kafka.Cases[3].Skipped; s == nil || s.Message != "it needs power" {
		t.Errorf("what does not apply: %+v", s)
	}
	if e := kafka.Cases[4].Error; e == nil || e.Type != "error" || e.Message != "no broker can be reached" {
		t.Errorf("an error: %+v", e)
	}
	if f := other[0].Failure; f == nil || f.Type != "surprise" || !strings.Contains(f.Message, "take the entry out") {
		t.Errorf("a surprise: %+v", f)
	}
	if s := other[2].Skipped; s == nil || s.Message != "expected failure: ticket 42" || other[2].Failure != nil {
		t.Errorf("a known failure: %+v", other[2])
	}
	if old.Error == nil || old.Error.Message != "there is nothing to be seen: the cluster did not start" {
		t.Errorf("a broken column: %+v", old)
	}

	m.Columns = m.Columns[:1]
	b.Reset()
	if err := ConformanceJUnit(&b, m); err != nil || !strings.Contains(b.String(), `classname="idemcheck.conform.wrap"`) {
		t.Errorf("one broker alone needs no name in the class: %v\n%s", err, b.String())
	}
}
