package checker

import (
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// attempt is one time that a record went over the wire, and what came of it.
type attempt struct {
	request  history.WireEvent
	delivery *history.WireEvent // of a held request
	answer   *history.WireEvent // nil when none was seen
	release  *history.WireEvent // of a held answer
}

// attemptsOf pairs requests and answers.
func attemptsOf(events []history.WireEvent) []attempt {
	var all []attempt
	find := func(ev history.WireEvent) *attempt {
		for i := len(all) - 1; i >= 0; i-- {
			if r := all[i].request; r.Conn == ev.Conn && r.Correlation == ev.Correlation {
				return &all[i]
			}
		}
		return nil
	}
	for i := range events {
		ev := events[i]
		switch ev.Kind {
		case history.WireRequest:
			all = append(all, attempt{request: ev})
		case history.WireAnswer:
			if a := find(ev); a != nil && a.answer == nil {
				a.answer = &events[i]
			}
		case history.WireDelivery:
			if a := find(ev); a != nil {
				a.delivery = &events[i]
			}
		case history.WireRelease:
			if a := find(ev); a != nil {
				a.release = &events[i]
			}
		}
	}
	return all
}

// code is the code that the broker gave; false when it gave none.
func (a attempt) code() (int16, bool) {
	if a.answer == nil {
		return 0, false
	}
	code := brokerCode(a.answer)
	return code, code != history.NeverAsked
}

// stored says whether the broker's answer tells that it has appended the batch.
func (a attempt) stored() bool { return a.answer != nil && hasAppended(a.answer) }

// arrived says whether the answer reached the client.
func (a attempt) arrived() bool {
	if a.answer == nil {
		return false
	}
	last := a.answer
	if a.release != nil { // held, or passed on and never written
		last = a.release
	}
	return last.Action == history.ActionPassed || last.Action == history.ActionForged
}

// told is the code that the client was told; false when no answer reached it.
func (a attempt) told() (int16, bool) {
	if !a.arrived() {
		return 0, false
	}
	if a.release != nil {
		return a.release.Error, true
	}
	return a.answer.Error, true
}

// refused says whether the client was told for certain that this attempt was
// not appended.
func (a attempt) refused() bool {
	code, told := a.told()
	return told && certainlyRefused(a.answer, code)
}

// offsetOf is where the answer says that a record of the batch stands; -1 when
// it does not say.
func (a attempt) offsetOf(number int64) int64 {
	if a.answer == nil || a.answer.BaseOffset < 0 || a.request.First < 0 {
		return history.NoOffset
	}
	return a.answer.BaseOffset + number - a.request.First
}

// fate says what became of an attempt: "was appended at offset 12 and its
// answer lost (fault 0, cut-after-append)".
func (st *story) fate(a attempt, number int64) string {
	sent, late := a.request, ""
	if a.delivery != nil {
		sent = *a.delivery
		late = fmt.Sprintf("reached the broker %s late%s and ", time.Duration(a.delivery.At-a.request.At).Round(time.Millisecond), st.faultOf(a.request))
	}
	switch sent.Action {
	case history.ActionCut, history.ActionDropped:
		return "never reached the broker, its connection was closed" + st.faultOf(sent)
	case history.ActionWithheld:
		if code, ok := a.told(); ok {
			return fmt.Sprintf("was kept from the broker and answered %s in its place%s", codeName(code), st.faultOf(sent))
		}
		return "was kept from the broker" + st.faultOf(sent)
	case history.ActionHeld:
		return "was held back and never reached the broker" + st.faultOf(sent)
	}
	return late + st.answered(a, number)
}

// answered says what came of an attempt that reached the broker.
func (st *story) answered(a attempt, number int64) string {
	if a.answer == nil {
		return "was never answered"
	}
	code, asked := a.code()
	told, arrived := a.told()
	cause := st.faultOf(*a.answer)
	if a.release != nil && !arrived && a.release.Fault != history.NoFault {
		cause = st.faultOf(*a.release)
	}
	switch {
	case asked && code == 0 && !arrived:
		return fmt.Sprintf("was appended at offset %d and its answer lost%s", a.offsetOf(number), cause)
	case asked && code == 0 && told != 0:
		return fmt.Sprintf("was appended at offset %d, and its client was told %s%s", a.offsetOf(number), codeName(told), cause)
	case asked && code == 0:
		return fmt.Sprintf("was acknowledged at offset %d", a.offsetOf(number))
	case a.stored() && !arrived:
		return fmt.Sprintf("was appended at offset %d and answered %s by the broker itself, and the answer lost%s", a.offsetOf(number), codeName(code), cause)
	case a.stored():
		return fmt.Sprintf("was appended at offset %d, and the broker itself answered %s", a.offsetOf(number), codeName(code))
	case !arrived:
		return fmt.Sprintf("was answered %s, and the answer lost%s", codeName(a.answer.Error), cause)
	case a.answer.Action == history.ActionForged:
		return fmt.Sprintf("was answered %s by the proxy in the broker's place%s", codeName(told), cause)
	}
	return "was answered " + codeName(told)
}
