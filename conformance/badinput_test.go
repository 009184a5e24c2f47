package conformance

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/forge"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// badInput is a broker that does not keep to the protocol when it answers Produce,
// and what is said of it in every case.
type badInput struct {
	forge.Break
	verdict matrix.Verdict
	says    string
}

func badInputs() []badInput {
	return []badInput{
		{forge.ClosesConnections, matrix.Fail, "the connection was closed, and expected was 0 (NONE)"},
		{forge.CutsAnswers, matrix.Fail, "the connection was closed, and expected was 0 (NONE)"},
		{forge.AnswersGarbage, matrix.Error, "can't be read"},
		{forge.AnswersAnotherProtocol, matrix.Error, "it is not Kafka that answers"},
		{forge.AnswersAnother, matrix.Error, "was asked"},
		{forge.NeverAnswers, matrix.Fail, "no answer, and expected was 0 (NONE)"},
	}
}

func TestARunEndsInTimeAndSaysWhyWhateverTheBrokerAnswers(t *testing.T) {
	// A case that produces ends at its first answer: the limit on that, and a look
	// at the log.
	const limit = patience + 4*time.Second
	cases, err := Select([]string{"1", "2", "19", "20", "25", "26", "39", "47", "52"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	on := startKfake(t)
	for _, b := range badInputs() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && b.Name == forge.NeverAnswers.Name {
				t.Skip("NOT TESTED: waits longer than -short allows")
			}
			began := time.Now()
			// Two rounds, since not all are held at once.
			got := verdicts(t, behind(t, on, b.Break), cases, 3*limit)
			if took := time.Since(began); took > 2*limit {
				t.Errorf("it took %s", took)
			}
			for _, c := range cases {
				cell := got[c.Number]
				t.Logf("%d %s: %v: %s", c.Number, c.Name, cell.Verdict, cell.Reason)
				if c.Number == 47 { // produces nothing
					if cell.Verdict != matrix.Pass {
						t.Errorf("case 47 is %v: %s", cell.Verdict, cell.Reason)
					}
					continue
				}
				if cell.Verdict != b.verdict || !strings.Contains(cell.Reason, b.says) {
					t.Errorf("case %d is %v, and is to be %v and say %q: %s", c.Number, cell.Verdict, b.verdict, b.says, cell.Reason)
				}
				if cell.Took > limit {
					t.Errorf("case %d took %s", c.Number, cell.Took)
				}
			}
		})
	}
}

// FuzzBytesInPlaceOfAnAnswerAreReadOrRefused: a broker's bytes may be anything,
// and a conversation reads, shows and searches them.
func FuzzBytesInPlaceOfAnAnswerAreReadOrRefused(f *testing.F) {
	f.Add(int16(kmsg.Produce), int16(13), []byte{0, 0, 0, 7, 0, 1, 0xff})
	f.Add(int16(kmsg.Fetch), int16(4), []byte{0, 0, 0, 7, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Add(int16(kmsg.ApiVersions), int16(3), []byte{0, 0, 0, 7})
	f.Add(int16(kmsg.Metadata), int16(12), []byte{0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(int16(kmsg.Produce), int16(9), []byte{0, 0, 0, 8, 0})
	f.Fuzz(func(t *testing.T, key, version int16, frame []byte) {
		req := kmsg.RequestForKey(key)
		if req == nil || version < 0 || version > req.MaxVersion() || len(frame) < 4 {
			return
		}
		req.SetVersion(version)
		resp, err := parse(req, frame, 7)
		if err != nil {
			return
		}
		_ = describe(resp)
		if got, ok := resp.(*kmsg.ProduceResponse); ok {
			answersTo(got, []part{{to: newTopic("t", 1, 1).partitions[0]}})
		}
		if got, ok := resp.(*kmsg.FetchResponse); ok {
			for _, topic := range got.Topics {
				for _, part := range topic.Partitions {
					parseBatches(part.RecordBatches)
				}
			}
		}
	})
}

func TestARunIsOverWhenItsContextIsThoughNothingIsAnswered(t *testing.T) {
	on := behind(t, startKfake(t), forge.NeverAnswers)
	cases, err := Select([]string{"1", "2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	cells, err := Run(ctx, on, cases, nil)
	if took := time.Since(began); err == nil || took > 3*time.Second {
		t.Errorf("it ends after %s with %v", took, err)
	}
	for _, c := range cells {
		if c.Verdict != matrix.Error && c.Verdict != matrix.Fail {
			t.Errorf("case %d is %v", c.Case, c.Verdict)
		}
	}
}
