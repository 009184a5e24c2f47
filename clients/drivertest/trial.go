package drivertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/internal/child"
)

// How long things may take that have no other limit in a case.
const (
	// toOpen is how long a driver may take to be ready: its language starts up,
	// and the library connects.
	toOpen = 20 * time.Second
	// toAnswer is how long an answer may take when the broker answers at once.
	toAnswer = 15 * time.Second
	// toClose is how long a driver may take from close to its end. A run gives
	// it as long before it is killed.
	toClose = 5 * time.Second
	// toNotice is how long a driver may take to see that idemcheck is gone.
	toNotice = 10 * time.Second
	// aWhile is how long something that is not to happen is waited for.
	aWhile = 700 * time.Millisecond
	// afterItsEnd is how long processes that a driver has started may outlive it.
	afterItsEnd = time.Second
)

// trial is one case under way.
type trial struct {
	suite  *Suite
	name   string
	broker Broker
	log    string // file for the drivers' standard error

	drivers []*driven
	topics  []topic

	mu       sync.Mutex // guards what follows
	findings []*Finding
	notes    []string
}

type topic struct {
	name       string
	partitions int32
}

// topic makes a topic to send to.
func (t *trial) topic(ctx context.Context, name string, partitions int32) error {
	t.topics = append(t.topics, topic{name, partitions})
	return t.broker.Topic(ctx, name, int(partitions))
}

// options are what a driver is opened with unless the case is about options.
func (t *trial) options(d *driven) driver.Options {
	return driver.Options{ClientID: d.name, Idempotence: t.suite.about.Idempotent, Acks: "all"}
}

// start starts the driver program. It is the test's next driver, and ended with
// the case.
func (t *trial) start(name string) (*driven, error) {
	program, err := child.Start(child.Config{Command: t.suite.Command, Log: t.log, Grace: afterItsEnd})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoProgram, err)
	}
	d := newDriven(t, name, program)
	t.drivers = append(t.drivers, d)
	return d, nil
}

// open starts the driver, has it open a producer, and makes the topic t, of two
// partitions led by two brokers.
func (t *trial) open(ctx context.Context) (*driven, error) {
	return t.openWith(ctx, func(*driver.Options) {})
}

// openWith does the same with other options.
func (t *trial) openWith(ctx context.Context, change func(*driver.Options)) (*driven, error) {
	if len(t.topics) == 0 {
		if err := t.topic(ctx, "t", Brokers); err != nil {
			return nil, err
		}
	}
	d, err := t.start(fmt.Sprintf("%s-%d", t.name, len(t.drivers)))
	if err != nil {
		return nil, err
	}
	o := t.options(d)
	change(&o)
	ev, err := d.opens(ctx, o)
	if err != nil {
		return nil, t.told(d, err)
	}
	if ev.Event == driver.Fatal {
		if ev.Class == driver.ClassUnsupported {
			return nil, notApplicable("the library has no %s: %s", ev.Option, ev.Message)
		}
		return nil, t.told(d, broken(ruleFirst, "it cannot open a producer with %s: %s", describe(o), ev.Message))
	}
	return d, nil
}

// describe says which options were asked for.
func describe(o driver.Options) string {
	text := string(driver.AppendCommand(nil, driver.Command{Command: driver.Open, Options: &o}))
	_, text, _ = strings.Cut(text, `"options":`)
	return strings.TrimSuffix(text, "}")
}

// lacks says whether a driver has answered that its library has no such thing.
func lacks(ev driver.Event, option string) bool {
	return ev.Event == driver.Fatal && ev.Class == driver.ClassUnsupported && sameOption(ev.Option, option)
}

// unmapped says whether a driver has answered that an option is not in force.
func unmapped(ev driver.Event, option string) bool { return whyUnmapped(ev, option) != "" }

func whyUnmapped(ev driver.Event, option string) string {
	for _, u := range ev.Unmapped {
		if sameOption(u.Option, option) {
			return u.Why
		}
	}
	return ""
}

// sameOption compares names of options: times have their unit in the protocol,
// and have it not in scenarios.
func sameOption(a, b string) bool {
	return strings.TrimSuffix(a, "_ms") == strings.TrimSuffix(b, "_ms")
}

// note keeps what is no fault, and good to know.
func (t *trial) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// told keeps a breach by a driver as a finding, with what was said; any error
// passes.
func (t *trial) told(d *driven, err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			_ = t.told(d, e)
		}
		return err
	}
	b := (*breach)(nil)
	if !errors.As(err, &b) {
		return err
	}
	f := &Finding{What: b.what, Rule: b.rule.sentence, Advice: b.rule.advice, Times: 1}
	f.Sent, f.Came = d.recently()
	f.Stderr = d.child.Tail()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.findings {
		if known.Rule == f.Rule {
			known.Times++
			return err
		}
	}
	t.findings = append(t.findings, f)
	return err
}

// end ends what is left of the drivers, and says what they have left.
func (t *trial) end() {
	for _, d := range t.drivers {
		d.kill()
		if n := len(d.child.Left); n > 0 {
			t.note("%d processes that the driver had started lived on after its end, and had to be killed: %v", n, d.child.Left)
		}
	}
}
