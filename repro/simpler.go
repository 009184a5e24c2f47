package repro

import (
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// simplification puts one fault in the place of another that does the same and
// more.
type simplification struct {
	from, fault string
	how         string // knob of the new fault; its other knobs are left out
	error       int16  // another one, of answer-error
	over        bool   // the new one is over by itself: it takes no heal
	anywhere    bool   // the new one has other targets: none is named
	keeps       bool   // knobs are the same
}

// notLeader is NOT_LEADER_OR_FOLLOWER: nothing was appended, ask another.
const notLeader = 6

// simpler lists what is tried in the place of a fault, in that order. From
// left to right less happens:
//
//	upgrade, restart-all      -> rolling-restart -> restart-leader
//	kill-broker, -controller  -> kill-leader     -> restart-leader {how: kill}
//	stop-leader               -> restart-leader
//	pause-broker              -> pause-leader
//	split                     -> isolate-broker  -> isolate-leader -> blackhole
//	blackhole                 -> blackhole-acks  -> cut-after-append
//	stall-read                -> blackhole-acks, cut-before-request
//	delay-acks                -> cut-after-append
//	late-request, cut-mid-request, refuse, reset -> cut-before-request
//	reset                     -> cut-after-append
//	jitter                    -> latency
//	kill-producer             -> restart-producer
//	pause-leader              -> blackhole-acks
//	any fault on brokers, cut-before-request -> answer-error {error: 6}
//
// The last two are what a client sees of a leader that is silent, or gone, as far
// as what the broker keeps has no part in it. An answer 6 stands for every fault
// on brokers that leaves their version alone, and is tried first: no chain has to be gone through, a link of
// which may be refused by chance, and a run without such a fault takes seconds.
//
// A link fault needs no broker to die and works on any cluster, so it is
// simpler than a broker fault; a fault that is over at once is simpler than one
// that lasts; one that is done to a leader is simpler than one that is done to
// a broker which may lead nothing.
func simpler() []simplification {
	var all []simplification
	for _, broker := range []string{
		"restart-all", "rolling-restart", "restart-leader", "kill-broker", "kill-controller", "kill-leader", "stop-leader",
		"pause-broker", "pause-leader", "split", "isolate-broker", "isolate-leader", "move-leader",
	} {
		all = append(all, simplification{from: broker, fault: "answer-error", error: notLeader, over: true, anywhere: true})
	}
	return append(all, []simplification{
		{from: "upgrade", fault: "rolling-restart", anywhere: true},
		{from: "restart-all", fault: "rolling-restart", anywhere: true},
		{from: "restart-all", fault: "restart-leader", anywhere: true},
		{from: "rolling-restart", fault: "restart-leader", anywhere: true},
		{from: "kill-broker", fault: "kill-leader", anywhere: true},
		{from: "kill-controller", fault: "kill-leader", anywhere: true},
		{from: "kill-leader", fault: "restart-leader", how: "kill", over: true},
		{from: "kill-leader", fault: "restart-leader", over: true},
		{from: "stop-leader", fault: "restart-leader", over: true},
		{from: "pause-broker", fault: "pause-leader", anywhere: true},
		{from: "split", fault: "isolate-broker"},
		{from: "isolate-broker", fault: "isolate-leader", anywhere: true, keeps: true},
		{from: "isolate-leader", fault: "blackhole"},
		{from: "blackhole", fault: "blackhole-acks"},
		{from: "blackhole-acks", fault: "cut-after-append", over: true},
		{from: "stall-read", fault: "blackhole-acks"},
		{from: "stall-read", fault: "cut-before-request", over: true},
		{from: "delay-acks", fault: "cut-after-append"},
		{from: "late-request", fault: "cut-before-request"},
		{from: "cut-mid-request", fault: "cut-before-request"},
		{from: "refuse", fault: "cut-before-request", over: true},
		{from: "reset", fault: "cut-before-request"},
		{from: "reset", fault: "cut-after-append"},
		{from: "jitter", fault: "latency", keeps: true},
		{from: "kill-producer", fault: "restart-producer"},
		{from: "pause-leader", fault: "blackhole-acks"},
		{from: "cut-before-request", fault: "answer-error", error: notLeader},
	}...)
}

// apply makes the change; references by name are the caller's. Where the old
// target means nothing to the new fault, the leader of the anomaly's partition
// is meant.
func (s simplification) apply(f *history.FaultSpec, anomaly Facts) {
	f.Fault, f.Seed, f.Share = s.fault, 0, 0
	if !s.keeps {
		f.Knobs = history.Knobs{How: s.how, Error: s.error}
	}
	if s.over {
		f.Heal = history.HealSpec{}
	}
	if s.anywhere {
		f.Target = history.TargetSpec{}
		if anomaly.Partition >= 0 && strings.HasSuffix(s.fault, "-leader") {
			f.Target.Partition = history.Only(anomaly.Partition)
		}
	}
}
