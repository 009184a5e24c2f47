package checker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker/linear"
	"github.com/idemcheck/idemcheck/history"
)

// drawHistory draws a small run that really happened: every op takes effect, or
// not, at a moment within its interval.
func drawHistory(from *rand.Rand) *memoryRun {
	processes := 1 + from.IntN(3)
	m := newMemoryRun()
	for p := range processes {
		m.manifest.Processes = append(m.manifest.Processes, idempotent(int32(p)))
	}
	m.block = 1 + from.IntN(4)
	type effect struct {
		at     int64
		op     int
		absent bool
	}
	var effects []effect
	clock := make([]int64, processes)
	for i := range 2 + from.IntN(5) {
		p := from.IntN(processes)
		call := clock[p] + from.Int64N(4)
		clock[p] = call
		at := call + from.Int64N(5)
		ret := at + from.Int64N(5)
		outcome, absent := history.Acked, false
		switch from.IntN(8) {
		case 0:
			outcome, absent = history.Failed, true
		case 1, 2:
			outcome, absent = history.Unknown, from.IntN(2) == 0
			switch from.IntN(3) {
			case 0:
				ret = history.Forever
			case 1:
				at += from.Int64N(12) // long after the client gave up
			}
		}
		m.send(int32(p), call, ret, outcome, history.NoOffset)
		effects = append(effects, effect{at, i, absent})
	}
	from.Shuffle(len(effects), func(i, j int) { effects[i], effects[j] = effects[j], effects[i] })
	slices.SortStableFunc(effects, func(a, b effect) int { return int(a.at - b.at) })
	for _, e := range effects {
		if e.absent {
			continue
		}
		o := &m.ops[e.op]
		if o.Outcome == history.Acked {
			o.Offset = int64(len(m.log))
		}
		m.stored(o.Process, o.Number)
	}
	return m
}

// breakHistory breaks a run in one of the ways that a guarantee can be broken,
// or in a way that only looks like it.
func breakHistory(from *rand.Rand, m *memoryRun) {
	anyLog := func() int { return from.IntN(len(m.log)) }
	o := &m.ops[from.IntN(len(m.ops))]
	renumber := func() {
		for i := range m.log {
			m.log[i].Offset = int64(i)
		}
	}
	switch from.IntN(12) {
	case 0: // swap two records
		if len(m.log) > 1 {
			i, j := anyLog(), anyLog()
			m.log[i], m.log[j] = m.log[j], m.log[i]
		}
	case 1: // move one
		if len(m.log) > 1 {
			i, j := anyLog(), anyLog()
			r := m.log[i]
			m.log = slices.Insert(slices.Delete(m.log, i, i+1), j, r)
		}
	case 2: // store one twice
		if len(m.log) > 0 {
			m.log = slices.Insert(m.log, from.IntN(len(m.log)+1), m.log[anyLog()])
		}
	case 3: // lose one
		if len(m.log) > 0 {
			i := anyLog()
			m.log = slices.Delete(m.log, i, i+1)
		}
	case 4: // another offset is acked
		if o.Outcome == history.Acked {
			o.Offset = from.Int64N(int64(len(m.log)) + 2)
		}
	case 5: // a record that nobody sent, or of an op that failed or is unknown
		m.log = slices.Insert(m.log, from.IntN(len(m.log)+1), history.LogRecord{
			Topic: "t", Process: from.Int32N(4), Number: from.Int64N(5)})
	case 6: // the outcome is another
		o.Outcome, o.Offset = history.Failed, history.NoOffset
	case 7:
		o.Outcome, o.Offset = history.Unknown, history.NoOffset
	case 8: // acked, wherever it is
		o.Outcome = history.Acked
		if o.Return == history.Forever {
			o.Return = o.Call + from.Int64N(6)
		}
	case 9: // answered earlier
		if o.Return != history.Forever {
			o.Return = o.Call + from.Int64N(o.Return-o.Call+1)
		}
	case 10: // the whole run of one process at another time
		shift := from.Int64N(12)
		for i := range m.ops {
			if op := &m.ops[i]; op.Process == o.Process {
				op.Call += shift
				if op.Return != history.Forever {
					op.Return += shift
				}
			}
		}
	case 11: // a record that is none of ours takes an offset
		m.log = slices.Insert(m.log, from.IntN(len(m.log)+1), history.LogRecord{
			Topic: "t", Process: -1, Number: -1, Standing: history.Foreign})
	}
	renumber()
}

// structural are the kinds that Plain, which says yes or no, covers together.
func structural() []Kind {
	return []Kind{Duplicate, Lost, FailedVisible, Unsent, WrongOffset, StaleOrder, Foreign}
}

// agree holds the sweep against plain porcupine and against the cross-check.
func agree(m *memoryRun) (clean bool, err error) {
	p := partition{tp: tp0, end: int64(len(m.log)), whole: true}
	s, err := newSweep(p, m.manifest.Processes, m, &runClock{firstFault: history.Forever}, 1)
	if err == nil {
		err = s.run(m.Log(tp0))
	}
	if err != nil {
		return false, fmt.Errorf("%w\nops %+v\nlog %+v", err, m.ops, m.log)
	}
	clean = true
	for _, kind := range structural() {
		clean = clean && s.found.count(kind) == 0
	}
	var ops []linear.Append
	for _, o := range m.ops {
		ops = append(ops, linear.Append{
			Record: linear.Record{Process: o.Process, Number: o.Number},
			Call:   o.Call, Return: o.Return, Outcome: o.Outcome, Offset: o.Offset,
		})
	}
	var final []linear.Record
	for _, r := range m.log {
		final = append(final, linear.Record{Process: r.Process, Number: r.Number})
	}
	if plain := linear.Plain(ops, final); plain != clean {
		return clean, fmt.Errorf("the sweep says %v, plain porcupine %v\nfound %+v\nops %+v\nlog %+v", clean, plain, s.found.kinds, m.ops, m.log)
	}
	if _, err := crossCheck(linear.CrossCheck{}, s, m, m.manifest.Processes, 1<<20); err != nil {
		return clean, fmt.Errorf("%w\nops %+v\nlog %+v", err, m.ops, m.log)
	}
	return clean, nil
}

// TestTheSweepAgreesWithPlainPorcupine judges random small histories, most of
// them broken on purpose, with both judges. IDEMCHECK_FUZZ says how many.
func TestTheSweepAgreesWithPlainPorcupine(t *testing.T) {
	histories := int64(50_000)
	if text := os.Getenv("IDEMCHECK_FUZZ"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			t.Fatalf("IDEMCHECK_FUZZ=%q is no number of histories", text)
		}
		histories = n
	} else if testing.Short() {
		histories = 5_000
	}
	began := time.Now()
	var clean atomic.Int64
	var group sync.WaitGroup
	workers := int64(runtime.GOMAXPROCS(0))
	for w := range workers {
		group.Go(func() {
			from := rand.New(rand.NewPCG(uint64(w), 2024))
			for i := w; i < histories && !t.Failed(); i += workers {
				m := drawHistory(from)
				for range from.IntN(3) {
					breakHistory(from, m)
				}
				ok, err := agree(m)
				if err != nil {
					t.Error(err)
				}
				if ok {
					clean.Add(1)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d histories, %d of them clean, in %v on %d cores", histories, clean.Load(), time.Since(began).Round(time.Millisecond), workers)
	if n := clean.Load(); n < histories/4 || n > histories*3/4 {
		t.Errorf("%d of %d histories were clean: the test tries one side too little", n, histories)
	}
}
