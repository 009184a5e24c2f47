package drivertest

import (
	"fmt"
	"strings"
)

// Finding is one way in which a driver breaks the protocol.
type Finding struct {
	What   string   `json:"what"`             // what happened
	Rule   string   `json:"rule"`             // the sentence of PROTOCOL.md that it breaks
	Advice string   `json:"advice"`           // what to do
	Sent   []string `json:"sent,omitempty"`   // the last lines to the driver, shortened
	Came   []string `json:"came,omitempty"`   // the last lines from it, shortened
	Stderr string   `json:"stderr,omitempty"` // its last lines on standard error
	Times  int      `json:"times"`            // how often; what else is told is of the first time
}

// Error says what happened.
func (f *Finding) Error() string { return f.What }

// breach is what is wrong, before what was said is added.
type breach struct {
	rule rule
	what string
}

func (b *breach) Error() string { return b.what }

// broken says that a rule is broken.
func broken(r rule, format string, args ...any) error {
	return &breach{r, fmt.Sprintf(format, args...)}
}

// inapplicable says that a case has nothing to test on this driver.
type inapplicable struct{ why string }

func (n inapplicable) Error() string { return n.why }

func notApplicable(format string, args ...any) error {
	return inapplicable{fmt.Sprintf(format, args...)}
}

// mostShown is how many bytes of a line are shown.
const mostShown = 200

// shorten makes a line fit to be shown.
func shorten(line []byte) string {
	text := strings.ToValidUTF8(strings.TrimRight(string(line[:min(len(line), mostShown)]), "\r\n"), "\ufffd")
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '\ufffd'
		}
		return r
	}, text)
	if len(line) > mostShown {
		return fmt.Sprintf("%s... (%d bytes)", text, len(line))
	}
	return text
}
