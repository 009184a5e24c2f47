package checker

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func TestOnlyWhatIsDoneToBrokersMayCostThemWhatTheyKnew(t *testing.T) {
	for fault, want := range map[string]struct{ touches, ends bool }{
		"kill-leader":         {true, true},
		"stop-leader":         {true, true},
		"rolling-restart":     {true, true},
		"restart-all":         {true, true},
		"restart-followers":   {true, true},
		"upgrade":             {true, true},
		"full-disk":           {true, true},
		"unclean-election":    {true, true},
		"move-leader":         {true, false},
		"pause-broker":        {true, false},
		"isolate-leader":      {true, false},
		"expire-producer-ids": {true, false},
		"kill-producer":       {},
		"restart-producer":    {},
		"second-producer":     {},
		"change-config":       {},
		"cut-after-append":    {},
		"late-request":        {},
	} {
		if got := touchesBrokers(fault); got != want.touches {
			t.Errorf("%s touches brokers: %t", fault, got)
		}
		if got := endsProcess(fault); got != want.ends {
			t.Errorf("%s ends a broker's process: %t", fault, got)
		}
	}
}

func TestWhatMadeALeaderForgetIsTheRestartAndNotWhateverCameFirst(t *testing.T) {
	tp := history.TopicPartition{Topic: "t", Partition: 1}
	span := func(id int32, name, target string) faultSpan {
		return faultSpan{id: id, name: name, target: target, start: 10, end: 20}
	}
	move := span(0, "move-leader", "broker 3 (leader of t/11, leader epoch 0)")
	its := span(1, "move-leader", "broker 1 (leader of t/1, leader epoch 0)")
	all := span(2, "restart-all", "all 3 brokers")
	early := faultSpan{id: 4, name: "kill-leader", target: "broker 1 (leader of t/1, leader epoch 0)", start: 5, end: 11}
	link := span(3, "blackhole-acks", "connection 7 of producer 0 to broker 1")
	for name, c := range map[string]struct {
		faults   []faultSpan
		from     int64
		words    string
		restarts bool
	}{
		"nothing":                                   {nil, 0, "", false},
		"a fault on links":                          {[]faultSpan{link}, 0, "", false},
		"a fault that was over":                     {[]faultSpan{all}, 21, "", false},
		"another partition's move, and no other":    {[]faultSpan{move}, 0, "fault 0, move-leader broker 3 (leader of t/11, leader epoch 0)", false},
		"its own move behind another's":             {[]faultSpan{move, its}, 0, "fault 1, move-leader broker 1 (leader of t/1, leader epoch 0)", false},
		"a restart behind both":                     {[]faultSpan{move, its, all}, 0, "fault 2, restart-all all 3 brokers", true},
		"a restart before them":                     {[]faultSpan{all, its}, 0, "fault 2, restart-all all 3 brokers", true},
		"a restart behind one that was nearly over": {[]faultSpan{early, all}, 10, "fault 2, restart-all all 3 brokers", true},
		"one that was nearly over":                  {[]faultSpan{early, its}, 10, "fault 4, kill-leader broker 1 (leader of t/1, leader epoch 0)", true},
	} {
		t.Run(name, func(t *testing.T) {
			st := &story{faults: c.faults}
			if words, restarts := st.disturbance(tp, c.from, 30); words != c.words || restarts != c.restarts {
				t.Errorf("%q, a restart %v; want %q, %v", words, restarts, c.words, c.restarts)
			}
		})
	}
}
