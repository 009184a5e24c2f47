package linear

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
)

// inOneWindow is the question asked of porcupine at once.
func inOneWindow(ops []ranked) bool {
	var all []porcupine.Operation
	for i, op := range ops {
		all = append(all, porcupine.Operation{Input: i, Call: op.call, Return: op.ret})
	}
	return porcupine.CheckOperations(rankModel(), all)
}

func inWindows(ops []ranked, size, most int) bool {
	w := newWindows(size, most)
	for _, op := range ops {
		w.add(op)
	}
	return w.finish()
}

// drawRanked draws ops around their ranks, some of which never return, and
// sometimes moves one so that the order may break.
func drawRanked(from *rand.Rand) []ranked {
	ops := make([]ranked, 1+from.IntN(24))
	wide := 1 + from.Int64N(20)
	for i := range ops {
		at := int64(i) * 4
		ops[i] = ranked{call: at - from.Int64N(wide), ret: at + from.Int64N(wide)}
		if from.IntN(6) == 0 {
			ops[i].ret = math.MaxInt64
		}
	}
	if from.IntN(2) == 0 {
		i := from.IntN(len(ops))
		shift := from.Int64N(120) - 60
		ops[i].call += shift
		if ops[i].ret != math.MaxInt64 {
			ops[i].ret += shift
		}
	}
	return ops
}

func TestWindowsDecideAsOneSearchOverEverything(t *testing.T) {
	from := rand.New(rand.NewPCG(7, 11))
	rounds, broken := 20_000, 0
	if testing.Short() {
		rounds = 2000
	}
	for range rounds {
		ops := drawRanked(from)
		want := inOneWindow(ops)
		if !want {
			broken++
		}
		for _, shape := range [][2]int{{1, 1}, {2, 1}, {2, 3}, {5, 2}, {8, 8}} {
			if got := inWindows(ops, shape[0], shape[1]); got != want {
				t.Fatalf("windows of %d carrying %d say %v, one search says %v: %v", shape[0], shape[1], got, want, ops)
			}
		}
	}
	if broken < rounds/10 || broken > rounds*9/10 {
		t.Errorf("%d of %d histories were not linearizable: the test tries too little", broken, rounds)
	}
}

func TestOpsThatNeverReturnDoNotPileUpInWindows(t *testing.T) {
	w := newWindows(windowOps, carriedOps)
	for i := range int64(20_000) {
		w.add(ranked{call: i, ret: math.MaxInt64})
		if len(w.carried) > carriedOps {
			t.Fatalf("%d ops are carried over", len(w.carried))
		}
	}
	if !w.finish() {
		t.Error("ops that never return cannot be out of order")
	}
}
