package checker

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// replaced is a run in which process 2 follows process 1, as another instance of
// the same producer, and has its producer id at later+10.
func replaced() *memoryRun {
	one, two := idempotent(1), idempotent(2)
	m := newMemoryRun(one, two).sequential(1, 2)
	m.batch(history.WireEvent{At: later + 10, Kind: history.WireInitProducerID, ClientID: clientID(2), ProducerID: 1002})
	return m.send(1, later, later+900, history.Unknown, -1).stored(1, 2).
		send(2, later, later+900, history.Acked, 3).stored(2, 0).
		batch(request(2, 0, 1, later+20)).batch(answer(2, 0, 1, later+21, 0, 3))
}

func TestWhatReachesABrokerAfterItsProducerWasFollowedIsAZombies(t *testing.T) {
	held := func(m *memoryRun, delivered int64) *memoryRun {
		return m.batch(with(request(1, 2, 1, later+1), action(history.ActionHeld))).
			batch(with(request(1, 2, 1, delivered), func(ev *history.WireEvent) { ev.Kind = history.WireDelivery }))
	}
	gone := action(history.ActionDropped)
	for name, c := range map[string]struct {
		run  *memoryRun
		want map[string]int64
	}{
		"stored":                 {held(replaced(), later+30).batch(with(answer(1, 2, 1, later+31, 0, 2), gone)), map[string]int64{"zombie_batches": 1, "zombie_appended": 1, "zombie_fenced": 0}},
		"refused":                {held(replaced(), later+30).batch(with(answer(1, 2, 1, later+31, 47, -1), gone)), map[string]int64{"zombie_batches": 1, "zombie_appended": 0, "zombie_fenced": 1}},
		"refused by no leader":   {held(replaced(), later+30).batch(with(answer(1, 2, 1, later+31, 6, -1), gone)), map[string]int64{"zombie_batches": 0, "zombie_appended": 0, "zombie_fenced": 0}},
		"never answered":         {held(replaced(), later+30), map[string]int64{"zombie_batches": 0, "zombie_appended": 0, "zombie_fenced": 0}},
		"in time":                {held(replaced(), later+5).batch(with(answer(1, 2, 1, later+31, 0, 2), gone)), map[string]int64{"zombie_batches": 0, "zombie_appended": 0}},
		"sent by a zombie":       {replaced().batch(request(1, 2, 1, later+30)).batch(answer(1, 2, 1, later+31, 0, 2)), map[string]int64{"zombie_batches": 1, "zombie_appended": 1}},
		"and kept from a broker": {replaced().batch(with(request(1, 2, 1, later+30), cut)), map[string]int64{"zombie_batches": 0}},
	} {
		t.Run(name, func(t *testing.T) { covers(t, c.run, c.want) })
	}
	another := replaced()
	another.manifest.Processes[1].Producer = 1
	covers(t, held(another, later+30).batch(with(answer(1, 2, 1, later+31, 0, 2), gone)), map[string]int64{"zombie_batches": 0, "sequence_resets": 0})
}

func TestAProducerThatFollowsAnotherBeginsItsSequences(t *testing.T) {
	covers(t, replaced(), map[string]int64{"sequence_resets": 1})
	on := newMemoryRun(idempotent(1), idempotent(2)).sequential(1, 2)
	on.send(2, later, later+9, history.Acked, 2).stored(2, 0)
	on.batch(with(request(2, 0, 1, later+1), func(ev *history.WireEvent) { ev.BaseSequence = 2 }))
	covers(t, on, map[string]int64{"sequence_resets": 0})
	none := newMemoryRun(idempotent(1), plain(2)).sequential(1, 2)
	none.send(2, later, later+9, history.Acked, 2).stored(2, 0)
	none.batch(with(request(2, 0, 1, later+1), func(ev *history.WireEvent) { ev.ProducerID, ev.BaseSequence = -1, 0 }))
	covers(t, none, map[string]int64{"sequence_resets": 0})
}
