package nemesis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

// changeConfig changes properties of a topic until healed. The brokers put them
// in force one after the other, so the fault begins when they are told to.
func (n *Nemesis) changeConfig(f *fault) error {
	topic := n.topic(f)
	names := slices.Sorted(maps.Keys(f.plan.Config))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	old, err := n.env.State.TopicProperties(ctx, topic, names...)
	if err != nil {
		return err
	}
	change, restore := make(map[string]*string), make(map[string]*string)
	var words []string
	for _, name := range names {
		value := f.plan.Config[name]
		was, known := old[name]
		if !known {
			return fmt.Errorf("the brokers know no topic property %s", name)
		}
		change[name], restore[name] = &value, nil
		if was.Own {
			restore[name] = &was.Value
		}
		words = append(words, fmt.Sprintf("%s %s -> %s", name, was.Value, value))
	}
	n.began(f, "topic "+topic)
	began := time.Now()
	if err := n.env.State.SetTopicProperties(ctx, topic, change); err != nil {
		return errors.Join(err, n.restoreConfig(topic, restore, old))
	}
	n.detail(f, "%s, in force on all brokers after %s", strings.Join(words, ", "), time.Since(began).Round(time.Millisecond))
	n.lasts(f)
	return n.restoreConfig(topic, restore, old)
}

// restoreConfig puts the old values back, and makes sure that all brokers have
// them. It has time of its own.
func (n *Nemesis) restoreConfig(topic string, restore map[string]*string, old map[string]cluster.Property) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := n.env.State.SetTopicProperties(ctx, topic, restore); err != nil {
		return fmt.Errorf("put the old values back: %w", err)
	}
	now, err := n.env.State.TopicProperties(ctx, topic, slices.Sorted(maps.Keys(restore))...)
	if err != nil {
		return err
	}
	for name, was := range old {
		if now[name].Value != was.Value {
			return fmt.Errorf("%s of topic %s was %q before the fault and is %q after it", name, topic, was.Value, now[name].Value)
		}
	}
	return nil
}
