package linear

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func acked(number, call, ret, offset int64) Append {
	return Append{Record{1, number}, call, ret, history.Acked, offset}
}

func TestPlainJudgesSmallHistories(t *testing.T) {
	a, b := Record{1, 0}, Record{1, 1}
	unknown := Append{a, 1, 2, history.Unknown, history.NoOffset}
	failed := Append{a, 1, 2, history.Failed, history.NoOffset}
	for name, c := range map[string]struct {
		ops   []Append
		final []Record
		want  bool
	}{
		"in order":                          {[]Append{acked(0, 1, 2, 0), acked(1, 3, 4, 1)}, []Record{a, b}, true},
		"a late record first":               {[]Append{acked(0, 1, 2, 1), acked(1, 3, 4, 0)}, []Record{b, a}, false},
		"concurrent records either way":     {[]Append{acked(0, 1, 4, 1), acked(1, 3, 4, 0)}, []Record{b, a}, true},
		"equal times are concurrent":        {[]Append{acked(0, 1, 3, 1), acked(1, 3, 4, 0)}, []Record{b, a}, true},
		"an acked record is missing":        {[]Append{acked(0, 1, 2, 0)}, nil, false},
		"an acked record twice":             {[]Append{acked(0, 1, 2, 0)}, []Record{a, a}, false},
		"acked at another offset":           {[]Append{acked(0, 1, 2, 1)}, []Record{a}, false},
		"unknown and absent":                {[]Append{unknown}, nil, true},
		"unknown and present":               {[]Append{unknown}, []Record{a}, true},
		"unknown, long returned, late":      {[]Append{unknown, acked(1, 9, 10, 0)}, []Record{b, a}, true},
		"unknown, before one acked earlier": {[]Append{acked(1, 1, 2, 1), {a, 9, 10, history.Unknown, -1}}, []Record{a, b}, false},
		"failed and absent":                 {[]Append{failed}, nil, true},
		"failed and present":                {[]Append{failed}, []Record{a}, false},
		"nobody sent it":                    {nil, []Record{a}, false},
	} {
		if got := Plain(c.ops, c.final); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
