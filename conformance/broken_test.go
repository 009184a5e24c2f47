package conformance

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/conformance/forge"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// broken is a broker that breaks a promise, and the cases that find it. Of the
// cases that pass on a sound broker exactly those are to fail, so that a failure
// says which promise is broken.
type broken struct {
	forge.Break
	found  []int
	spared []int // in place of found, where it is all but these
	// about is the case that is about the promise, and says a part of its reason.
	about int
	says  string
	// onKafka: kfake breaks the promise by itself, so that there is nothing to find.
	onKafka bool
}

// repeating are the cases in which something is repeated that is recognized.
var repeating = []int{2, 3, 5, 9, 14, 15, 25, 30, 32, 39, 51, 52, 60}

// outOfOrder are those in which something is refused with 45.
var outOfOrder = []int{4, 6, 7, 8, 9, 12, 13, 16, 19, 25, 30, 53, 55}

func brokenBrokers() []broken {
	return []broken{
		// 26 repeats with acks=0, and 41 repeats on a replica that can't know.
		{Break: forge.NeverDeduplicates, found: append([]int{26, 41}, repeating...), about: 2,
			says: "0 (NONE) at offset 3, and expected was 0 (NONE) at offset 0"},
		{Break: forge.ByFirstSequence, found: []int{6}, about: 6,
			says: "0 (NONE) at offset 0, and expected was 45 (OUT_OF_ORDER_SEQUENCE_NUMBER)"},
		{Break: forge.KeepsOneBatch, found: []int{3, 14, 30, 52}, about: 3,
			says: "45 (OUT_OF_ORDER_SEQUENCE_NUMBER), and expected was 0 (NONE) at offset 4"},
		{Break: forge.WindowOfPartition, found: []int{60}, about: 60,
			says: "45 (OUT_OF_ORDER_SEQUENCE_NUMBER), and expected was 0 (NONE) at offset 0"},
		// 13 has another producer's batch at sequence 0, to have the log written.
		{Break: forge.IgnoresProducer, found: []int{13, 60}, about: 60,
			says: "0 (NONE) at offset 0, and expected was 0 (NONE) at offset 1"},
		{Break: forge.IgnoresEpoch, found: []int{16, 17, 18, 55}, about: 17,
			says: "0 (NONE) at offset 0, and expected was 0 (NONE) at offset 1"},
		{Break: forge.ForgetsAtLeaderChange, found: []int{30, 32, 41}, about: 30,
			says: "0 (NONE) at offset 6, and expected was 0 (NONE) at offset 5"},
		{Break: forge.ComparesContent, found: []int{5, 51}, about: 5,
			says: "45 (OUT_OF_ORDER_SEQUENCE_NUMBER), and expected was 0 (NONE) at offset 0"},
		{Break: forge.WrongOffset, found: repeating, about: 2,
			says: "0 (NONE) at offset 1, and expected was 0 (NONE) at offset 0"},
		{Break: forge.NoOffset, found: repeating, about: 2,
			says: "0 (NONE) at offset -1, and expected was 0 (NONE) at offset 0"},
		{Break: forge.WrongCode, found: outOfOrder, about: 4,
			says: "46 (DUPLICATE_SEQUENCE_NUMBER), and expected was 45 (OUT_OF_ORDER_SEQUENCE_NUMBER)"},
		{Break: forge.RaisesEpochOnRefusal, found: []int{16}, about: 16, onKafka: true,
			says: "47 (INVALID_PRODUCER_EPOCH), and expected was 0 (NONE) at offset 1"},
		{Break: forge.StoresRefused, found: outOfOrder, about: 8,
			says: "0 (NONE) at offset 2, and expected was 0 (NONE) at offset 1"},
		// Spared are batches of no producer and of transactions, acks=1, and what
		// produces nothing.
		{Break: forge.DropsBatches, spared: []int{20, 25, 47, 48, 49, 54, 56, 57, 58}, about: 1,
			says: "and ends at offset 0, and expected was 0: producer id"},
		// Spared are batches of no producer and of transactions, and what is deleted
		// before anybody looks.
		{Break: forge.ChangesRecords, spared: []int{20, 41, 47, 48, 49, 50, 54, 56, 57, 58}, about: 1,
			says: "other bytes than were sent"},
	}
}

func (b broken) finds(number int) bool {
	if len(b.spared) > 0 {
		return !slices.Contains(b.spared, number)
	}
	return slices.Contains(b.found, number)
}

// standing are cases that need no broker restarted, and no patience.
func standing() []Case {
	return slices.DeleteFunc(Cases(), func(c Case) bool { return c.alone || c.Name == "compacted" })
}

// behind is a target whose connections go through a break. Its Admin asks the
// cluster itself.
func behind(t testing.TB, on *Target, b forge.Break) *Target {
	t.Helper()
	c := forge.Wrap(on.Cluster, b)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	other := *on
	other.Cluster, other.apis = c, nil
	return &other
}

// verdicts holds cases on a target, and returns their cells by number.
func verdicts(t testing.TB, on *Target, cases []Case, limit time.Duration) map[int]matrix.Cell {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cells, err := Run(ctx, on, cases, nil)
	if err != nil {
		t.Fatal(err)
	}
	byNumber := make(map[int]matrix.Cell)
	for _, c := range cells {
		byNumber[c.Case] = c
	}
	return byNumber
}

// controls are cases about this and that, most of which a break leaves alone.
var controls = []int{1, 2, 8, 10, 15, 20, 27, 46, 47}

// cases are those that a break is held against: all that stand, or on real
// brokers, which take their time to make a topic, those that find it, and the
// controls.
func (b broken) cases(on *Target) []Case {
	if !on.Exact {
		return standing()
	}
	return slices.DeleteFunc(standing(), func(c Case) bool {
		return !slices.Contains(controls, c.Number) && !slices.Contains(b.found, c.Number)
	})
}

// hold holds cases on the broken broker. sound is how they come out on the same
// one when nothing is broken: only what passes there can show anything.
func (b broken) hold(t *testing.T, on *Target, sound map[int]matrix.Cell, limit time.Duration) {
	t.Helper()
	cases := b.cases(on)
	got := verdicts(t, behind(t, on, b.Break), cases, limit)
	for _, c := range cases {
		is := got[c.Number]
		if sound[c.Number].Verdict != matrix.Pass {
			continue
		}
		if is.Verdict != matrix.Pass {
			t.Logf("%d %s: %v: %s", c.Number, c.Name, is.Verdict, is.Reason)
		}
		missed := is.Verdict != matrix.Fail && is.Verdict != matrix.Error || is.Reason == ""
		switch finds := b.finds(c.Number); {
		case finds && missed:
			t.Errorf("case %d (%s) does not find it: %v %s", c.Number, c.Name, is.Verdict, is.Reason)
		case !finds && is.Verdict != matrix.Pass:
			t.Errorf("case %d (%s) is about another promise: %v %s", c.Number, c.Name, is.Verdict, is.Reason)
		}
	}
	if b.onKafka && !on.Exact {
		return
	}
	about := got[b.about]
	if was := sound[b.about]; was.Verdict != matrix.Pass {
		t.Errorf("case %d, which is about the promise, does not even pass on a sound broker: %v %s", b.about, was.Verdict, was.Reason)
	} else if about.Verdict != matrix.Fail || !strings.Contains(about.Reason, b.says) {
		t.Errorf("case %d is to fail and say %q, and is %v: %s", b.about, b.says, about.Verdict, about.Reason)
	}
}

func TestABrokenPromiseIsFoundByTheCasesThatAreAboutItAndByNoOthers(t *testing.T) {
	on := startKfake(t)
	sound := verdicts(t, on, standing(), time.Minute)
	for _, b := range brokenBrokers() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			if b.onKafka {
				t.Log("NOT TESTED on kfake, which breaks this promise by itself: that it is found; see the test on Kafka")
			}
			b.hold(t, on, sound, time.Minute)
		})
	}
}

func TestEveryBreakThatThereIsIsHeldAgainstTheSuite(t *testing.T) {
	for _, b := range forge.Promises() {
		if !slices.ContainsFunc(brokenBrokers(), func(row broken) bool { return row.Name == b.Name }) {
			t.Errorf("nobody says which case finds %s", b.Name)
		}
	}
	for _, b := range forge.BadInput() {
		if !slices.ContainsFunc(badInputs(), func(row badInput) bool { return row.Name == b.Name }) {
			t.Errorf("nobody says what becomes of %s", b.Name)
		}
	}
}

// changesNothing holds the proxy itself to changing nothing.
func changesNothing(t *testing.T, on *Target, sound map[int]matrix.Cell, limit time.Duration) {
	t.Helper()
	through := verdicts(t, behind(t, on, forge.Nothing), standing(), limit)
	for number, want := range sound {
		got := through[number]
		// On real brokers how often something is waited for is another each time.
		if got.Verdict != want.Verdict || !on.Exact && len(got.Steps) != len(want.Steps) {
			t.Errorf("case %d is %v after %d steps (%s), and without the proxy %v after %d (%s)",
				number, got.Verdict, len(got.Steps), got.Reason, want.Verdict, len(want.Steps), want.Reason)
		}
	}
}

func TestAProxyThatBreaksNothingChangesNothing(t *testing.T) {
	on := startKfake(t)
	changesNothing(t, on, verdicts(t, on, standing(), time.Minute), time.Minute)
}
