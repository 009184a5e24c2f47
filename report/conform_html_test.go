package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

func conformHTML(t *testing.T, m matrix.Matrix) string {
	t.Helper()
	var b bytes.Buffer
	if err := ConformanceHTML(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEachCellOfThePageLeadsToItsConversation(t *testing.T) {
	m := conformRun()
	m.Expect([]matrix.Expected{{Case: 13, Verdict: matrix.Fail, Reason: "ticket 42", On: []string{"other broker"}}})
	page := conformHTML(t, m)
	for _, says := range []string{
		"idemcheck v1, 2026-01-02T03:04:05Z", "<pre>idemcheck conform --kafka 4.3.1</pre>", "<td>three of them</td><td>4.3</td>",
		`<td class="pass"><a href="#case-1-1">pass</a></td>`, `<td class="fail"><a href="#case-13-1">fail</a></td><td class="known"><a href="#case-13-2">fail (known)</a></td><td class="not-run">not-run</td>`,
		`<span class="word error">broken</span> there is nothing to be seen: the cluster`,
		"<small>0 comes behind 2147483647 <i>(KIP-98)</i></small>", `<tr class="group"><th colspan="4">restart</th></tr>`,
		"<b>other broker</b> produce [0] to conform-13-0/0 (version 13): 45, and expected was 0 (a note); known: ticket 42",
		`<span class="soft">said:</span> 45<br><span class="soft">expected:</span> 0<br><span class="soft">note:</span> a note`,
		"1.500 ms <code>-&gt; Produce version 12 to broker 1, correlation id 3</code>", "|..idem|", "5000 bytes", "... 904 bytes more",
		`<span class="word non-strict">non-strict</span> <b>Kafka 4.3.1</b> another code`, "No word was exchanged.",
	} {
		if !strings.Contains(page, says) {
			t.Errorf("does not say %q", says)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestThePageNeedsNothingBesideItAndItsLinksHold(t *testing.T) {
	page := conformHTML(t, conformRun())
	links := regexp.MustCompile(`(?:href|src|url)\s*[=(]\s*"?([^" )>]+)`).FindAllStringSubmatch(page, -1)
	if len(links) == 0 {
		t.Fatal("no links")
	}
	for _, link := range links {
		if !strings.HasPrefix(link[1], "#") || strings.Count(page, `id="`+link[1][1:]+`"`) != 1 {
			t.Errorf("%s leads nowhere on the page, or to several places", link[1])
		}
	}
	for _, tag := range []string{"div", "details", "summary", "section", "table", "tbody", "tr", "td", "th", "ol", "li", "pre", "span", "small"} {
		opened := len(regexp.MustCompile(`<`+tag+`[ >]`).FindAllString(page, -1))
		if closed := strings.Count(page, "</"+tag+">"); opened != closed {
			t.Errorf("%s: %d opened, %d closed", tag, opened, closed)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template puts text where html/template takes none")
	}
}

func TestEveryVerdictHasAColourAndAMark(t *testing.T) {
	for v := matrix.Pass; v <= matrix.Error; v++ {
		for _, word := range []string{"--" + v.String() + ":", "." + v.String() + " {"} {
			if n := strings.Count(conformPage, word); n == 0 {
				t.Errorf("the page has no %q", word)
			}
		}
		if mark, _ := cellMark(&matrix.Cell{Verdict: v}); mark == "" {
			t.Errorf("%s has no mark", v)
		}
	}
}
