package history

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestClosedSetsAreWrittenAsTheirWordsAndReadBack(t *testing.T) {
	type all struct {
		O Outcome
		S Standing
		K WireKind
		A Action
	}
	for o := Pending; o <= Unknown; o++ {
		for k := WireRequest; k <= WireDelivery; k++ {
			want := all{o, Standing(o), k, min(Action(k), ActionForged)}
			text, err := json.Marshal(want)
			if err != nil || strings.ContainsAny(string(text), "0123456789") {
				t.Fatalf("%s: %v", text, err)
			}
			var got all
			if err := json.Unmarshal(text, &got); err != nil || got != want {
				t.Errorf("%s: got %+v, want %+v (%v)", text, got, want, err)
			}
		}
	}
	for _, text := range []string{`{"O":"maybe"}`, `{"S":""}`, `{"K":"answered"}`, `{"A":"0"}`} {
		if err := json.Unmarshal([]byte(text), new(all)); err == nil || !strings.Contains(err.Error(), "unknown") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
