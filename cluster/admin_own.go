package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// ownTopics are the topics that an Admin created and has not deleted. On nil
// nothing is kept.
type ownTopics struct {
	mu    sync.Mutex
	named map[string]bool
}

func (o *ownTopics) add(name string) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.named[name] = true
}

// names lists them, in a slice that is not nil.
func (o *ownTopics) names() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, slices.Sorted(maps.Keys(o.named))...)
}

// OwnTopicsOnly makes Whole look only at the topics that this Admin creates: on
// a cluster that others use as well, theirs may be as they please. Call it
// before anything else.
func (a *Admin) OwnTopicsOnly() { a.own = &ownTopics{named: make(map[string]bool)} }

// OwnTopics lists the topics that this Admin created and has not deleted; after
// OwnTopicsOnly.
func (a *Admin) OwnTopics() []string {
	if a.own == nil {
		return nil
	}
	return a.own.names()
}

// DeleteTopic deletes a topic. One that is gone already is no error.
func (a *Admin) DeleteTopic(ctx context.Context, name string) error {
	deleted, err := a.adm.DeleteTopic(ctx, name)
	if err == nil {
		err = deleted.Err
	}
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("delete topic %s: %w", name, err)
	}
	if a.own != nil {
		a.own.mu.Lock()
		defer a.own.mu.Unlock()
		delete(a.own.named, name)
	}
	return nil
}

// UnlikeConfig names the first broker property that is not as wanted on some
// broker, and how it is; empty when all are.
func (a *Admin) UnlikeConfig(ctx context.Context, wanted map[string]string) (string, error) {
	for _, b := range a.cluster.Brokers() {
		found, err := a.adm.DescribeBrokerConfigs(ctx, b.ID)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%d answers came", len(found))
		}
		if err == nil {
			err = found[0].Err
		}
		if err != nil {
			return "", fmt.Errorf("describe the properties of broker %d: %w", b.ID, err)
		}
		is := make(map[string]string)
		for _, c := range found[0].Configs {
			if c.Value != nil {
				is[c.Key] = *c.Value
			}
		}
		for _, key := range slices.Sorted(maps.Keys(wanted)) {
			value, known := is[key]
			switch {
			case !known:
				return fmt.Sprintf("%s=%s, and broker %d does not say how it is set there", key, wanted[key], b.ID), nil
			case strings.TrimSpace(value) != strings.TrimSpace(wanted[key]):
				return fmt.Sprintf("%s=%s, and on broker %d it is %s", key, wanted[key], b.ID, value), nil
			}
		}
	}
	return "", nil
}

// DeleteGroup deletes a consumer group, as soon as nobody is in it. One that is
// gone already, or never was, is no error.
func (a *Admin) DeleteGroup(ctx context.Context, group string) error {
	return poll(ctx, func() error {
		deleted, err := a.adm.DeleteGroup(ctx, group)
		if err == nil {
			err = deleted.Err
		}
		switch {
		case err == nil, errors.Is(err, kerr.GroupIDNotFound):
			return nil
		}
		return fmt.Errorf("delete group %s: %w", group, err)
	})
}
