package conformance

import (
	"fmt"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// Offsets that an answer is not held to one number of.
const (
	anyOffset = -2
	logEnd    = -3 // where the log ends: the batch is appended
)

// answer is what came back for one batch: of a broker, or as it is expected.
type answer struct {
	code   int16
	offset int64
	closed bool // the connection was closed in place of an answer
	silent bool // nothing came
	told   string
}

// What a broker is expected to answer.
func appended() answer             { return answer{offset: logEnd} }
func original(offset int64) answer { return answer{offset: offset} }
func refused(code int16) answer    { return answer{code: code, offset: anyOffset} }

func (a answer) String() string {
	switch {
	case a.closed:
		return "the connection was closed"
	case a.silent && a.told != "":
		return "no answer: " + a.told
	case a.silent:
		return "no answer"
	case a.code != 0 && a.told != "":
		return fmt.Sprintf("%s: %q", codeName(a.code), a.told)
	case a.code != 0 || a.offset == anyOffset:
		return codeName(a.code)
	case a.offset == logEnd:
		return "0 (NONE) at the log's end"
	}
	return fmt.Sprintf("0 (NONE) at offset %d", a.offset)
}

// is says whether an answer is as expected, where the log ends at an offset.
func (a answer) is(want answer, end int64) bool {
	if a.closed || a.silent || want.closed || want.silent {
		return a.closed == want.closed && a.silent == want.silent
	}
	switch {
	case a.code != want.code:
		return false
	case a.code != 0 || want.offset == anyOffset:
		return true
	case want.offset == logEnd:
		return a.offset == end
	}
	return a.offset == want.offset
}

// rule is what is expected, by version of Kafka, oldest first, and what else
// would do no harm.
type rule struct {
	eras     []era
	harmless []answer
	because  string // why those do none
	anything bool   // nothing is promised
}

type era struct {
	major, minor int
	want         answer
	why          string // KIP or ticket that made it so
}

// always is a rule that no version changed.
func always(want answer) rule { return rule{eras: []era{{want: want}}} }

// since adds what is expected from a version on.
func (r rule) since(major, minor int, want answer, why string) rule {
	r.eras = append(r.eras[:len(r.eras):len(r.eras)], era{major, minor, want, why})
	return r
}

// or adds answers in whose place none can lose or double a record.
func (r rule) or(because string, harmless ...answer) rule {
	r.harmless, r.because = harmless, because
	return r
}

// of is what is expected of a version.
func (r rule) of(v history.KafkaVersion) era {
	now := r.eras[0]
	for _, e := range r.eras {
		if v.From(e.major, e.minor) {
			now = e
		}
	}
	return now
}

// elsewhere finds the versions of which an answer would have been right.
func (r rule) elsewhere(a answer, end int64) string {
	var spans []string
	for i, e := range r.eras {
		if !a.is(e.want, end) {
			continue
		}
		span := "Kafka"
		if e.major+e.minor > 0 {
			span += fmt.Sprintf(" from %d.%d", e.major, e.minor)
		}
		if i+1 < len(r.eras) {
			span += fmt.Sprintf(" before %d.%d", r.eras[i+1].major, r.eras[i+1].minor)
		}
		spans = append(spans, span)
	}
	return strings.Join(spans, ", ")
}
