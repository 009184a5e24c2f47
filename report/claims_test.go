package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/conformance/matrix"
	"github.com/idemcheck/idemcheck/suites"
)

// aBook has two rows put to two clients: one answer of every kind, and one that
// turned.
func aBook() claims.Book {
	row := func(id, section string) suites.Row {
		return suites.Row{ID: id, Section: section, Claim: "it <keeps> " + id, Sides: map[string]suites.Side{"off": {Scenario: "claims/" + id, Runs: 1}}}
	}
	decision := func(row suites.Row, client, answer, because, recorded string) claims.Decision {
		run := claims.Run{Dir: "runs/" + row.ID + "-" + client, Seed: 7, Verdict: &checker.Verdict{Overall: checker.Pass}}
		return claims.Decision{
			Row: row, Client: client, Answer: answer, Because: because, Recorded: recorded,
			Figures: map[string]claims.Figures{"off": {"retries": 12, "sent": 40, "lost": 0}},
			Runs:    map[string][]claims.Run{"off": {run}},
			Command: "idemcheck run --client " + client + " claims/" + row.ID,
		}
	}
	order, twice, old := row("order", "Retries"), row("twice", "Retries"), row("old", "What it does not promise")
	return claims.Book{
		Title: "What is said", Version: "v1", On: "docker, Kafka 4.3.1", Seed: 7, Command: "idemcheck run claims",
		Began: time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC), Took: 90 * time.Second,
		Decisions: []claims.Decision{
			decision(order, "franz-go", "upheld", "0 of 40 out of order", "upheld"),
			decision(order, "kafkajs@2.2.4", "refuted", "3 of 40 out of order", "upheld"),
			decision(twice, "franz-go", "qualified", "4 stored | twice", ""),
			decision(twice, "kafkajs@2.2.4", claims.Inconclusive, "off: 0 of the 1 runs\x1b[2J", ""),
			decision(old, "franz-go", claims.NotApplicable, "it has no such option", ""),
		},
	}
}

func TestAClaimIsTold(t *testing.T) {
	b := aBook()
	for i, want := range []string{
		"upheld         order  franz-go: 0 of 40 out of order\n",
		"refuted        order  kafkajs@2.2.4: 3 of 40 out of order\n    recorded: upheld\n    idemcheck show runs/order-kafkajs@2.2.4\n",
		"qualified      twice  franz-go: 4 stored | twice\n",
		"inconclusive   twice  kafkajs@2.2.4: off: 0 of the 1 runs\uFFFD[2J\n    idemcheck show runs/twice-kafkajs@2.2.4\n",
		"not applicable old  franz-go: it has no such option\n",
	} {
		var out strings.Builder
		Claim(&out, b.Decisions[i], Style{})
		if out.String() != want {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	}
}

func TestATableOfClaimsIsTold(t *testing.T) {
	var out strings.Builder
	Claims(&out, aBook(), Style{})
	want := `
  claim  franz-go        kafkajs@2.2.4
  order  upheld          refuted (recorded: upheld)
  twice  qualified       inconclusive
  old    not applicable

5 answers in 90.0 s: 1 upheld, 1 qualified, 1 refuted, 1 inconclusive, 1 not applicable; 1 not as recorded
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	Claims(&out, aBook(), Style{Width: 30})
	for _, want := range []string{"order  +  X", "twice  ~  ?", "old    -", "b  kafkajs@2.2.4"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("narrow: %q is missing:\n%s", want, out.String())
		}
	}
}

func TestAPageOfClaimsHasTheEvidence(t *testing.T) {
	var md, html strings.Builder
	if err := ClaimsMarkdown(&md, aBook()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# What is said", "idemcheck v1, docker, Kafka 4.3.1, 29 November 2026, seed 7.", "idemcheck run claims", "## Retries", "### order\n", "> it &lt;keeps&gt; order",
		"**refuted**, kafkajs@2.2.4: 3 of 40 out of order. It was recorded as upheld.",
		"- *off*, `claims/order`, 1 run (`runs/order-franz-go`): retries 12, sent 40", "| order | upheld | refuted (recorded: upheld) |",
		"```sh\nidemcheck run --client kafkajs@2.2.4 claims/order\n```",
	} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, md.String())
		}
	}
	if strings.Count(md.String(), "## Retries\n") != 1 || strings.Count(md.String(), "### order\n") != 1 {
		t.Errorf("a head stands twice:\n%s", md.String())
	}
	if err := ClaimsHTML(&html, aBook()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<a class="word turned" href="#order-2">refuted</a>`, `<h3 id="order-2">`, "it &lt;keeps&gt; order",
		"idemcheck show runs/twice-franz-go", "retries 12, sent 40", "It was recorded as upheld.", "not-applicable",
		"<pre>idemcheck run --client kafkajs@2.2.4 claims/order</pre>",
	} {
		if !strings.Contains(html.String(), want) {
			t.Errorf("the HTML page lacks %q", want)
		}
	}
	if strings.Contains(html.String(), "<keeps>") {
		t.Error("a claim is not escaped")
	}
}

func TestARowAboutSettingsSaysWhatWasAskedSaidAndDone(t *testing.T) {
	b := aBook()
	for i := range 2 {
		d := &b.Decisions[i]
		d.Row.Settings = true
		d.Runs["off"][0].Client, d.Runs["off"][0].Asked, d.Runs["off"][0].Said = d.Client+" 1.2", "nothing", "refused: a | <b>"
	}
	var term, md, html strings.Builder
	Claim(&term, b.Decisions[0], Style{})
	if want := "    franz-go 1.2, off: asked nothing; said: refused: a | <b>; did: sent nothing\n"; !strings.Contains(term.String(), want) {
		t.Errorf("the terminal lacks %q:\n%s", want, term.String())
	}
	if err := ClaimsMarkdown(&md, b); err != nil {
		t.Fatal(err)
	}
	const want = "| client | side | asked | said | did |\n| --- | --- | --- | --- | --- |\n| franz-go 1.2 | off | nothing | refused: a \\| &lt;b&gt; | sent nothing |\n| kafkajs@2.2.4 1.2 | off | nothing |"
	if !strings.Contains(md.String(), want) || strings.Count(md.String(), "| client |") != 1 {
		t.Errorf("the page lacks %q once:\n%s", want, md.String())
	}
	if err := ClaimsHTML(&html, b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(html.String(), "<td>franz-go 1.2</td><td>off</td><td>nothing</td><td>refused: a | &lt;b&gt;</td><td>sent nothing</td>") {
		t.Error("the HTML page lacks the line")
	}
}

func TestCasesShowTheirConversations(t *testing.T) {
	b := aBook()
	d := &b.Decisions[1] // which turned
	d.Runs["off"] = []claims.Run{claims.FromCases("runs/1-conform", []claims.Held{{Name: "gap", Verdict: matrix.Fail, Reason: "answered 0"}})}
	var term, html, md strings.Builder
	Claim(&term, *d, Style{})
	if err := errors.Join(ClaimsHTML(&html, b), ClaimsMarkdown(&md, b)); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		term.String(): "    runs/1-conform/conform.html\n", html.String(): "<code>runs/1-conform/conform.html</code>", md.String(): "1 case (`runs/1-conform`): retries 12, sent 40, gap fail: answered 0",
	} {
		if !strings.Contains(in, want) {
			t.Errorf("%q is missing:\n%s", want, in)
		}
	}
}

func TestAnAnswerThatTurnedIsAFailureInJUnit(t *testing.T) {
	var out strings.Builder
	if err := ClaimsJUnit(&out, aBook()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`name="claims with kafkajs@2.2.4" tests="2" failures="1" errors="1"`, `message="recorded: upheld; now refuted: 3 of 40 out of order"`,
		`<error message="inconclusive: off: 0 of the 1 runs`, `<skipped message="not applicable: it has no such option"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("JUnit lacks %q:\n%s", want, out.String())
		}
	}
}
