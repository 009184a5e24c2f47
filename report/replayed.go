package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Returned says whether an anomaly came back in one replay.
type Returned uint8

// What a replay can show. The zero value is none of them.
const (
	_            Returned = iota
	ReplayBack            // an anomaly came back
	ReplayAway            // none did
	ReplayBroken          // the run broke, and says nothing
)

// Replayed writes how one replay came out: which ("3 of 20"), and in words the
// anomalies that came back, what differed where none did, or why it broke.
func Replayed(out io.Writer, how Returned, which string, words []string, lasted time.Duration, s Style) {
	w := new(strings.Builder)
	defer func() { s.show(out, w.String()) }()
	mark, code, text := "", "", ""
	switch how {
	case ReplayBack:
		mark, code, text = "back", red, "came back"
	case ReplayAway:
		mark, code, text = "away", green, "did not come back"
	case ReplayBroken:
		mark, code, text = "ERR ", red, "broke"
	default:
		panic(fmt.Sprintf("report: impossible outcome of a replay %d", how))
	}
	fmt.Fprintf(w, "%s %-9s %s%s\n", s.paint(code, mark), which, text, s.paint(dim, took(lasted)))
	for _, line := range words {
		fmt.Fprintf(w, "    %s\n", strings.ReplaceAll(line, "\n", "\n    "))
	}
}

// Differed writes what differed in replays in which nothing came back, the most
// frequent first.
func Differed(out io.Writer, why []string, s Style) {
	if len(why) == 0 {
		return
	}
	times := make(map[string]int)
	var order []string
	for _, line := range why {
		if times[line]++; times[line] == 1 {
			order = append(order, line)
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return times[b] - times[a] })
	w := new(strings.Builder)
	fmt.Fprintf(w, "%s\n", s.paint(bold, "what differed where it did not:"))
	for _, line := range order {
		fmt.Fprintf(w, "  %d times: %s\n", times[line], line)
	}
	s.show(out, w.String())
}

// Tried writes one line of a search: what was tried, and what came of it.
func Tried(out io.Writer, mark, text string, lasted time.Duration, s Style) {
	code := map[string]string{"yes ": green, "no  ": dim}[mark]
	if code != "" {
		mark = s.paint(code, mark)
	}
	s.show(out, fmt.Sprintf("%s %s%s\n", mark, text, s.paint(dim, took(lasted))))
}
