package claims

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Setting is what one client made of what one side told it: asked, said, did.
type Setting struct {
	Side   string `json:"side"`
	Client string `json:"client"` // with its version, as the library says it
	Asked  string `json:"asked"`
	Said   string `json:"said"`
	Did    string `json:"did"` // on the wire
}

// Settings lists them, in the order of the sides' names; none where the row is
// about something else.
func (d Decision) Settings() []Setting {
	if !d.Row.Settings {
		return nil
	}
	var all []Setting
	for _, side := range slices.Sorted(maps.Keys(d.Row.Sides)) {
		s := Setting{Side: side, Client: d.Client, Did: did(d.Figures[side])}
		var asked, said []string
		for _, r := range d.Runs[side] {
			if r.Sound() {
				s.Client = r.Client
				asked, said = append(asked, r.Asked), append(said, r.Said)
			}
		}
		if len(asked) == 0 {
			continue // why is what the decision says
		}
		s.Asked, s.Said = distinct(asked), distinct(said)
		all = append(all, s)
	}
	return all
}

// distinct joins texts, each once.
func distinct(texts []string) string {
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "; or: ")
}

// did puts into words what was on the wire.
func did(f Figures) string {
	if f["batches"] == 0 {
		return "sent nothing"
	}
	words := []string{ids(f), acknowledgements(f)}
	if f["max_in_flight"] > 0 { // with acks=0 nothing is waited for
		words = append(words, fmt.Sprintf("at most %d in flight", f["max_in_flight"]))
	}
	return strings.Join(append(words, attempts(f)), ", ")
}

func ids(f Figures) string {
	switch f["idempotent_batches"] {
	case f["batches"]:
		return "producer id"
	case 0:
		return "producer id -1"
	}
	return fmt.Sprintf("producer id in %d of %d batches", f["idempotent_batches"], f["batches"])
}

func acknowledgements(f Figures) string {
	switch all, none, batches := f["acks_all_batches"], f["acks_none_batches"], f["batches"]; {
	case all == batches:
		return "acks=all"
	case none == batches:
		return "acks=0"
	case all == 0 && none == 0:
		return "acks=1"
	default:
		return fmt.Sprintf("acks=all in %d and acks=0 in %d of %d batches", all, none, batches)
	}
}

func attempts(f Figures) string {
	if f["most_attempts"] < 2 {
		return "each batch sent once"
	}
	return fmt.Sprintf("a batch sent up to %d times, %d to %d ms apart", f["most_attempts"], f["least_gap_ms"], f["most_gap_ms"])
}
