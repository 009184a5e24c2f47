package checker

import "github.com/idemcheck/idemcheck/history"

// zombies watches batches that reach a broker after another instance of their
// producer has been given its producer id: what a fenced producer cannot have
// stored, and any other can (KIP-98: only a transactional id ties instances to
// one another).
type zombies struct {
	followed map[int32]bool // processes with a successor that has its producer id
	under    map[answerKey]bool
}

func newZombies() zombies {
	return zombies{followed: make(map[int32]bool), under: make(map[answerKey]bool)}
}

// initialised takes a producer id that a broker gave out: whoever was opened
// for the same producer before is a zombie from now on.
func (j *journal) initialised(ev *history.WireEvent) {
	id, known := j.byClient[ev.ClientID]
	if !known || id < 0 || ev.Error != 0 {
		return
	}
	for _, p := range j.process {
		if p.Producer == j.process[id].Producer && p.ID < id {
			j.zombies.followed[p.ID] = true
		}
	}
}

// reached takes a batch that goes on to its broker.
func (j *journal) reached(ev *history.WireEvent) {
	if j.zombies.followed[ev.Process] {
		j.zombies.under[answerKey{ev.Conn, ev.Correlation, tpOf(ev)}] = true
	}
}

// ofZombie takes what a broker said to a batch, whether or not anybody is left
// to hear it. That it does not lead, or lacks replicas, is no word about zombies.
func (j *journal) ofZombie(ev *history.WireEvent) {
	key := answerKey{ev.Conn, ev.Correlation, tpOf(ev)}
	if !j.zombies.under[key] {
		return
	}
	delete(j.zombies.under, key)
	switch code := brokerCode(ev); {
	case hasAppended(ev):
		j.n.zombieAppended++
	case fences(code):
		j.n.zombieFenced++
	}
}

// fences says whether a code refuses a batch for what has become of its producer:
// INVALID_PRODUCER_EPOCH 47, INVALID_TXN_STATE 48, INVALID_PRODUCER_ID_MAPPING 49,
// PRODUCER_FENCED 90 (the protocol guide's error codes; KIP-98, KIP-588, KIP-890).
func fences(code int16) bool { return code == 47 || code == 48 || code == 49 || code == 90 }

// began takes the first batch of a process in a partition.
func (j *journal) began(ev *history.WireEvent) {
	if ev.ProducerID < 0 || ev.BaseSequence != 0 {
		return
	}
	for _, p := range j.process {
		if p.Producer == j.process[ev.Process].Producer && p.ID < ev.Process {
			j.n.sequenceResets++
			return
		}
	}
}
