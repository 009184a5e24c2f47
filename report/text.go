package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// counted says "1 record" or "5 records".
func counted[N ~int | ~int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func records[N ~int | ~int64](n N) string { return counted(n, "record", "records") }

// clean makes text safe to show: what a broker or a client put into an error is
// not to move anybody's cursor, and XML cannot hold it at all. Line breaks and
// tabs stay; everything else that is no character becomes U+FFFD.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ', r >= 0x7f && r < 0xa0, r&0xfffe == 0xfffe:
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// paints finds what Style.paint adds.
var paints = regexp.MustCompile("\x1b\\[(0|1|2|31|32|33)m")

// show writes text as the style wants it: clean, and broken at spaces where a
// line is too wide. A word that alone is wider stays whole: it is a path or an
// address that somebody wants to copy.
func (s Style) show(w io.Writer, text string) {
	var b strings.Builder
	at := 0
	for _, span := range paints.FindAllStringIndex(text, -1) {
		b.WriteString(clean(text[at:span[0]]))
		if s.Colour {
			b.WriteString(text[span[0]:span[1]])
		}
		at = span[1]
	}
	b.WriteString(clean(text[at:]))
	lines := strings.SplitAfter(b.String(), "\n")
	for i, line := range lines {
		lines[i] = s.fold(line)
	}
	fmt.Fprint(w, strings.Join(lines, ""))
}

func visible(text string) int { return utf8.RuneCountInString(paints.ReplaceAllString(text, "")) }

// leader is what stands in front of a line's own text: a mark and a name, a
// time, a dash. What is folded goes on behind it.
var leader = regexp.MustCompile(`^(?:\S{2,4} +\S+ {2,}| {2}[a-z-]+ +[a-z-]+ {2,}| +[-\d.]+ s {2}| +never {2}| +- | *)`)

func (s Style) fold(line string) string {
	if s.Width == 0 || visible(strings.TrimRight(line, "\n")) <= s.Width {
		return line
	}
	indent := visible(leader.FindString(paints.ReplaceAllString(line, "")))
	if indent > s.Width/2 {
		indent = 4
	}
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(strings.TrimRight(line, "\n"), " ") {
		width := visible(word)
		switch {
		case i == 0:
		case column+1+width > s.Width && column > indent:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	b.WriteByte('\n')
	return b.String()
}
