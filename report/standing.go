package report

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// standing is how a case came out that is not a plain pass, in all the columns
// where it came out so.
type standing struct {
	columns []string
	cell    *matrix.Cell // of the first of them
	told    string       // why, on one line
}

// standingsOf lists what is to be told of a case. What does not apply is told
// once for all cases; see lacksOf.
func standingsOf(m matrix.Matrix, c matrix.Case) (all []standing) {
next:
	for i := range m.Columns {
		column := &m.Columns[i]
		cell := column.Cell(c.Number)
		switch {
		case cell.Verdict == matrix.NotRun, cell.Verdict == matrix.Pass && !cell.Surprise, cell.Verdict == matrix.NotApplicable:
			continue
		}
		s := standing{[]string{onLine(column.Name)}, cell, told(cell)}
		for j := range all {
			other := &all[j]
			if cell.Verdict != other.cell.Verdict || cell.Surprise != other.cell.Surprise || unversioned(s.told) != unversioned(other.told) {
				continue
			}
			if s.told != other.told {
				other.told = unversioned(s.told)
			}
			other.columns = append(other.columns, s.columns[0])
			continue next
		}
		all = append(all, s)
	}
	return all
}

// told says on one line what there is to say of a cell beyond its verdict.
func told(cell *matrix.Cell) string {
	reason := brief(cell.Reason)
	switch {
	case cell.Surprise && reason == "":
		return dueFromFile
	case cell.Surprise:
		return dueFromFile + " (" + reason + ")"
	case cell.Known != "" && reason == "":
		return "known: " + onLine(cell.Known)
	case cell.Known != "":
		return reason + "; known: " + onLine(cell.Known)
	}
	return reason
}

const dueFromFile = "better than the file of expected failures has it: take the entry out"

// lack is a reason why cases do not apply, with the cases.
type lack struct {
	reason  string
	columns []string
	cases   []uint64
}

// lacksOf lists every reason once for each set of columns and cases.
func lacksOf(m matrix.Matrix) (all []lack) {
	for i := range m.Columns {
		var here []lack
	next:
		for _, c := range m.Cases {
			cell := m.Columns[i].Cell(c.Number)
			if cell.Verdict != matrix.NotApplicable {
				continue
			}
			reason := told(cell)
			for j := range here {
				if here[j].reason == reason {
					here[j].cases = append(here[j].cases, uint64(c.Number))
					continue next
				}
			}
			here = append(here, lack{reason, []string{onLine(m.Columns[i].Name)}, []uint64{uint64(c.Number)}})
		}
	merge:
		for _, l := range here {
			for j := range all {
				if all[j].reason == l.reason && spans(all[j].cases) == spans(l.cases) {
					all[j].columns = append(all[j].columns, l.columns...)
					continue merge
				}
			}
			all = append(all, l)
		}
	}
	return all
}

// text says it in a line: "28..29, 31: it needs a cluster with power".
func (l lack) text(m matrix.Matrix) string {
	on := ""
	if len(m.Columns) > 1 {
		on = " on " + strings.Join(l.columns, ", ")
	}
	return spans(l.cases) + on + ": " + l.reason
}

var (
	topicTime = regexp.MustCompile(`(-\d+)-\d{19}\b`)
	version   = regexp.MustCompile(` \(version \d+\)`)
)

// brief puts text of a conversation on one line, and leaves the time out of the
// names of its topics (conform-13-0-1795734419038202749), without which two
// brokers that did the same can be seen to have.
func brief(text string) string { return topicTime.ReplaceAllString(onLine(text), "$1") }

// unversioned leaves the versions of requests out: each broker is asked in the
// newest that it offers.
func unversioned(text string) string { return version.ReplaceAllString(text, "") }

// onLine keeps text that others wrote on one line.
func onLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// mostSteps is how much of a conversation a page or a CI system is given.
const mostSteps = 12

// excerpt returns the steps of a conversation around the one that decided its
// verdict, and how many come before them.
func excerpt(cell *matrix.Cell) (left int, steps []matrix.Step) {
	decided := deciding(cell)
	end := min(decided+3, len(cell.Steps))
	left = max(end-mostSteps, 0)
	return left, cell.Steps[left:end]
}

// deciding is the place of the first step with the cell's verdict, or of the last.
func deciding(cell *matrix.Cell) int {
	for i, s := range cell.Steps {
		if s.Verdict == cell.Verdict {
			return i
		}
	}
	return max(len(cell.Steps)-1, 0)
}

// stepText says a step in a line: what, what was said, and, where that is not
// what was expected, what was.
func stepText(s matrix.Step) string {
	text := fmt.Sprintf("%s: %s", brief(s.What), brief(s.Said))
	if s.Expected != "" && s.Verdict != matrix.Pass {
		text += ", and expected was " + brief(s.Expected)
	}
	if s.Note != "" {
		text += " (" + brief(s.Note) + ")"
	}
	return text
}

// cellWord is what a cell says where there is room for a word.
func cellWord(cell *matrix.Cell) string {
	switch {
	case cell.Known != "":
		return cell.Verdict.String() + " (known)"
	case cell.Surprise:
		return cell.Verdict.String() + " (surprise)"
	}
	return cell.Verdict.String()
}
