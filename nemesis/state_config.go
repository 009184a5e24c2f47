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

// The bounds of timestamps. Before Kafka 3.6 one property was both (KIP-937).
const (
	oldest     = "message.timestamp.before.max.ms"
	newest     = "message.timestamp.after.max.ms"
	bothBounds = "message.timestamp.difference.max.ms"
)

// changeConfig changes properties of a topic until healed. The brokers put them
// in force one after the other, so the fault begins when they are told to.
func (n *Nemesis) changeConfig(f *fault) error {
	topic := n.topic(f)
	config := maps.Clone(f.plan.Config)
	names := slices.Sorted(maps.Keys(config))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	old, err := n.env.State.TopicProperties(ctx, topic, append(slices.Clone(names), bothBounds)...)
	if err != nil {
		return err
	}
	for i, name := range names {
		if _, known := old[name]; !known && (name == oldest || name == newest) {
			names[i], config[bothBounds] = bothBounds, config[name]
		}
	}
	names = slices.Compact(names)
	change, restore := make(map[string]*string), make(map[string]*string)
	var words []string
	for _, name := range names {
		value := config[name]
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
	for name := range restore {
		if was := old[name].Value; now[name].Value != was {
			return fmt.Errorf("%s of topic %s was %q before the fault and is %q after it", name, topic, was, now[name].Value)
		}
	}
	return nil
}
