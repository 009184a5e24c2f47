package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/idemcheck/idemcheck/clients/consume"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/history"
)

const (
	// consumeLimit is how long a run's consumer may take over it all. After each
	// kill the group waits for the dead member first.
	consumeLimit = 2 * time.Minute
	// forgetLimit is how long brokers may take to forget its group.
	forgetLimit = 15 * time.Second
)

// consume has a member of a group process all that was read back, ending it on
// the way as the scenario says, and starting another in its place.
func (r *run) consume(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, consumeLimit, fmt.Errorf("the consumer did not get to the end of the logs within %s", consumeLimit))
	defer cancel()
	if err := os.MkdirAll(filepath.Join(r.dir, "client"), 0o755); err != nil {
		return fmt.Errorf("keep consumer logs: %w", err)
	}
	config := consume.Config{
		Bootstrap: r.site.fleet.Addresses(), Group: "idemcheck-" + r.scenario.Name + "-" + r.manifest.Run,
		ClientID: "idemcheck-" + r.manifest.Run + "-consumer", CommitEvery: r.scenario.Consumer.CommitEvery,
	}
	for _, t := range r.manifest.Topics {
		if !t.Deleted {
			config.Topics = append(config.Topics, consume.Topic{Name: t.Name, Starts: t.Starts, Ends: t.Ends})
		}
	}
	defer func() {
		forget, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetLimit)
		defer cancel()
		err = errors.Join(err, r.site.admin.DeleteGroup(forget, config.Group))
	}()
	spec := r.scenario.Consumer
	for left := max(spec.Times, 1); ; left-- {
		kill, shut := spec.KillAfter, spec.CloseAfter
		if left <= 0 {
			kill, shut = 0, 0
		}
		through, err := r.consumeOnce(ctx, config, kill, shut)
		if through || err != nil {
			return err
		}
	}
}

// consumeOnce starts an instance and hears it until it is through, or until it
// has processed as many records as it may and is killed or closed. 0 is without
// limit.
func (r *run) consumeOnce(ctx context.Context, config consume.Config, kill, shut int) (through bool, err error) {
	id := len(r.manifest.Consumers)
	about := history.Consumer{ID: id, Library: franz.Name, Version: franz.Version(), Group: config.Group, Opened: r.recorder.Now()}
	c, err := consume.Start(r.session.config.Consumer, filepath.Join(r.dir, "client", fmt.Sprintf("consumer-%d.log", id)), config)
	if err != nil {
		return false, err
	}
	about.PID = c.PID
	stop := context.AfterFunc(ctx, func() { c.Interrupt() })
	defer stop()
	ended := c.Kill // also where it did something that it may not do
	defer func() {
		about.End, about.Closed = ended(), r.recorder.Now()
		r.manifest.Consumers = append(r.manifest.Consumers, about)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = errors.Join(cause, err)
		}
	}()
	for {
		e, err := c.Next()
		switch {
		case err != nil:
			return false, err
		case e.Event == consume.CaughtUp || e.Event == consume.Closed && shut > 0:
			ended = c.Wait
			return e.Event == consume.CaughtUp, nil
		case e.Event != consume.Processed:
			return false, fmt.Errorf("the consumer said %q", e.Event)
		}
		about.Processed++
		err = r.writer.Processed(history.Processed{
			Consumer: id, At: r.recorder.Now(), Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Process: e.Process, Number: e.Number,
		})
		if err != nil {
			return false, err
		}
		if about.Processed == int64(kill) {
			return false, nil // and it is killed, before it knows that it may go on
		}
		if err := c.Answer(consume.Answer{Close: about.Processed == int64(shut)}); err != nil {
			return false, err
		}
	}
}
