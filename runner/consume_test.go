package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/clients/consume"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// consumed runs 124 records past a consumer, and returns how often each offset was
// processed.
func consumed(t *testing.T, spec history.ConsumerSpec) (times map[history.TopicPartition]map[int64]int, run *history.Run) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	s := session(t, Config{})
	err := s.Run(t.Context(), scenario(func(sc *suites.Scenario) {
		sc.Nemesis, sc.Consumer = nil, &spec
	}), 7, dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.site.fleet.Addresses()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if left, err := kadm.NewClient(client).ListGroups(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("groups are left behind: %v, %v", left, err)
	}
	run, m := manifest(t, dir)
	if last := m.Phases[len(m.Phases)-1]; last.Name != phaseConsume {
		t.Errorf("the last phase was %s", last.Name)
	}
	times = make(map[history.TopicPartition]map[int64]int)
	for p, err := range run.Processed() {
		if err != nil || p.Process < 0 || p.Number < 0 || p.At == 0 {
			t.Fatalf("%+v, %v", p, err)
		}
		tp := history.TopicPartition{Topic: p.Topic, Partition: p.Partition}
		if times[tp] == nil {
			times[tp] = make(map[int64]int)
		}
		times[tp][p.Offset]++
	}
	return times, run
}

func TestAConsumerThatIsKilledDoesAgainWhatItHadNotCommittedAndOneThatIsClosedDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		spec  history.ConsumerSpec
		ends  []string
		did   []int64
		twice int
	}{
		"left alone": {history.ConsumerSpec{CommitEvery: 10}, []string{"exit status 0"}, []int64{124}, 0},
		"killed":     {history.ConsumerSpec{CommitEvery: 10, KillAfter: 47}, []string{"signal: killed", "exit status 0"}, []int64{47, 84}, 7},
		"closed":     {history.ConsumerSpec{CommitEvery: 10, CloseAfter: 47}, []string{"exit status 0", "exit status 0"}, []int64{47, 77}, 0},
		"closed twice": {history.ConsumerSpec{CommitEvery: 10, CloseAfter: 47, Times: 2},
			[]string{"exit status 0", "exit status 0", "exit status 0"}, []int64{47, 47, 30}, 0},
		"killed right after a commit": {history.ConsumerSpec{CommitEvery: 10, KillAfter: 41}, []string{"signal: killed", "exit status 0"}, []int64{41, 84}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			times, run := consumed(t, c.spec)
			consumers := run.Manifest.Consumers
			if len(consumers) != len(c.ends) {
				t.Fatalf("%+v", consumers)
			}
			for i, got := range consumers {
				if got.ID != i || got.End != c.ends[i] || got.Processed != c.did[i] || got.PID == 0 || got.Closed < got.Opened || got.Group != consumers[0].Group {
					t.Errorf("%+v, want %d records and %s", got, c.did[i], c.ends[i])
				}
				if _, err := os.Stat(filepath.Join(run.Dir, "client", "consumer-0.log")); err != nil {
					t.Error(err)
				}
			}
			once, twice := 0, 0
			for _, offsets := range times {
				for _, n := range offsets {
					once++
					twice += n - 1
				}
			}
			if once != 124 || twice != c.twice {
				t.Errorf("%d records were processed, %d of them again; want 124 and %d", once, twice, c.twice)
			}
		})
	}
}

func TestAConsumerThatCannotWorkBreaksTheRunAndSaysWhy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	s := session(t, Config{Consumer: []string{"sh", "-c", "echo it has no group >&2; exit 3"}})
	err := s.Run(t.Context(), scenario(func(sc *suites.Scenario) { sc.Consumer = &history.ConsumerSpec{CommitEvery: 1} }), 7, dir)
	broken := (*Broken)(nil)
	if !errors.As(err, &broken) || broken.Phase != phaseConsume || !strings.Contains(err.Error(), "it has no group") {
		t.Fatalf("%v", err)
	}
	if _, m := manifest(t, dir); m.Ended != history.EndedBroken || len(m.Consumers) != 1 || m.Consumers[0].End != "exit status 3" {
		t.Errorf("%+v", m.Consumers)
	}
}

func TestAConsumerThatHangsIsEndedWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := filepath.Join(t.TempDir(), "run")
	s := session(t, Config{Consumer: []string{"sleep", "1000"}, Watch: func(st Status) {
		if st.Phase == phaseConsume {
			cancel()
		}
	}})
	began := time.Now()
	err := s.Run(ctx, scenario(func(sc *suites.Scenario) { sc.Consumer = &history.ConsumerSpec{CommitEvery: 1} }), 7, dir)
	if !errors.Is(err, context.Canceled) || time.Since(began) > time.Minute {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if _, m := manifest(t, dir); m.Ended != history.EndedInterrupted || len(m.Consumers) != 1 || m.Consumers[0].End != "signal: killed" {
		t.Errorf("ended %s, %+v", m.Ended, m.Consumers)
	}
}

func TestAStoppedConsumerTellsOfItself(t *testing.T) {
	c, err := consume.Start([]string{"cat"}, filepath.Join(t.TempDir(), "log"), consume.Config{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := c.Next(); err != nil || e.Event != "" { // cat says what it was told
		t.Errorf("%+v, %v", e, err)
	}
	if how := c.Kill(); how != "signal: killed" {
		t.Errorf("it ended by %s", how)
	}
	if _, err := consume.Start([]string{"no-such-program"}, filepath.Join(t.TempDir(), "log"), consume.Config{}); err == nil || !strings.Contains(err.Error(), "start a consumer") {
		t.Errorf("%v", err)
	}
}
