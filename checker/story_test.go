package checker

import "testing"

func TestOnlyWhatIsDoneToBrokersMayCostThemWhatTheyKnew(t *testing.T) {
	for fault, want := range map[string]struct{ touches, ends bool }{
		"kill-leader":         {true, true},
		"stop-leader":         {true, true},
		"rolling-restart":     {true, true},
		"restart-all":         {true, true},
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
