package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Property is one property of a topic or broker as a broker has it in force.
type Property struct {
	Value string
	Own   bool // set for this topic itself, not inherited or a default
}

// TopicProperties returns properties of a topic that all brokers which answer agree
// on; while they do not, it waits. Names that the brokers do not know are left
// out.
func (a *Admin) TopicProperties(ctx context.Context, topic string, names ...string) (map[string]Property, error) {
	var config map[string]Property
	err := poll(ctx, func() (err error) {
		config, err = a.agreed(ctx, topic, names)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("properties %s of topic %s: %w", strings.Join(names, ", "), topic, err)
	}
	return config, nil
}

func (a *Admin) agreed(ctx context.Context, topic string, names []string) (map[string]Property, error) {
	var first map[string]Property
	from := int32(-1)
	last := errors.New("no broker answers")
	for _, b := range a.cluster.Brokers() {
		within, cancel := context.WithTimeout(ctx, askPatience)
		config, err := a.describe(within, b.ID, kmsg.ConfigResourceTypeTopic, topic, names)
		cancel()
		switch {
		case errors.As(err, new(errFinal)):
			return nil, err
		case err != nil:
			last = err
		case first == nil:
			first, from = config, b.ID
		case !maps.Equal(first, config):
			return nil, fmt.Errorf("broker %d has %v, and broker %d has %v", from, first, b.ID, config)
		}
	}
	if first == nil {
		return nil, last
	}
	return first, nil
}

// BrokerProperties returns properties of a broker as it has them in force. Names
// that it does not know are left out.
func (a *Admin) BrokerProperties(ctx context.Context, broker int32, names ...string) (map[string]Property, error) {
	config, err := a.describe(ctx, broker, kmsg.ConfigResourceTypeBroker, strconv.Itoa(int(broker)), names)
	if err != nil {
		return nil, fmt.Errorf("properties %s: %w", strings.Join(names, ", "), err)
	}
	return config, nil
}

func (a *Admin) describe(ctx context.Context, broker int32, kind kmsg.ConfigResourceType, of string, names []string) (map[string]Property, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.ConfigNames = kind, of, names
	req.Resources = append(req.Resources, resource)
	answer, err := a.send(ctx, broker, req)
	if err != nil {
		return nil, fmt.Errorf("broker %d: %w", broker, err)
	}
	resp := answer.(*kmsg.DescribeConfigsResponse)
	config := make(map[string]Property)
	for _, r := range resp.Resources {
		if err := orFinal(kerr.ErrorForCode(r.ErrorCode)); err != nil {
			return nil, fmt.Errorf("broker %d: %w", broker, err)
		}
		for _, c := range r.Configs {
			if c.Value == nil || len(names) > 0 && !slices.Contains(names, c.Name) {
				continue
			}
			own := c.Source == kmsg.ConfigSourceDynamicTopicConfig
			if resp.Version == 0 { // which told no source yet
				own = !c.IsDefault
			}
			config[c.Name] = Property{Value: *c.Value, Own: own && kind == kmsg.ConfigResourceTypeTopic}
		}
	}
	return config, nil
}

// SetTopicProperties sets properties of a topic; one with a nil value goes back to
// its default. It returns when every broker that answers has them in force.
//
// Brokers before 2.3 can only replace all properties of a topic at once
// (KIP-339), so there the others are read and written again.
func (a *Admin) SetTopicProperties(ctx context.Context, topic string, set map[string]*string) error {
	fail := func(err error) error { return fmt.Errorf("set properties of topic %s: %w", topic, err) }
	incremental, err := a.incremental(ctx)
	if err != nil {
		return fail(err)
	}
	if incremental {
		err = a.alter(ctx, topic, set)
	} else {
		err = a.replace(ctx, topic, set)
	}
	if err != nil {
		return fail(err)
	}
	err = poll(ctx, func() error {
		now, err := a.agreed(ctx, topic, slices.Sorted(maps.Keys(set)))
		if err != nil {
			return err
		}
		for name, value := range set {
			switch p, known := now[name]; {
			case value == nil && known && p.Own:
				return fmt.Errorf("%s is still %s", name, p.Value)
			case value != nil && p.Value != *value:
				return fmt.Errorf("%s is %q and not %q yet", name, p.Value, *value)
			}
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return nil
}

// incremental says whether the brokers know IncrementalAlterConfigs.
func (a *Admin) incremental(ctx context.Context) (bool, error) {
	answer, err := a.shared.Request(ctx, kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		return false, fmt.Errorf("which requests the brokers know: %w", err)
	}
	key := kmsg.NewPtrIncrementalAlterConfigsRequest().Key()
	return slices.ContainsFunc(answer.(*kmsg.ApiVersionsResponse).ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool {
		return k.ApiKey == key
	}), nil
}

func (a *Admin) alter(ctx context.Context, topic string, set map[string]*string) error {
	const toSet, toDelete = kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	for _, name := range slices.Sorted(maps.Keys(set)) {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value, c.Op = name, set[name], toSet
		if c.Value == nil {
			c.Op = toDelete
		}
		resource.Configs = append(resource.Configs, c)
	}
	req.Resources = append(req.Resources, resource)
	answer, err := a.shared.Request(ctx, req)
	if err != nil {
		return err
	}
	for _, r := range answer.(*kmsg.IncrementalAlterConfigsResponse).Resources {
		if err := refused(r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}

func (a *Admin) replace(ctx context.Context, topic string, set map[string]*string) error {
	all, err := a.TopicProperties(ctx, topic)
	if err != nil {
		return err
	}
	values := make(map[string]*string)
	for name, p := range all {
		if p.Own {
			values[name] = &p.Value
		}
	}
	for name, value := range set {
		if values[name] = value; value == nil {
			delete(values, name)
		}
	}
	req := kmsg.NewPtrAlterConfigsRequest()
	resource := kmsg.NewAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	for _, name := range slices.Sorted(maps.Keys(values)) {
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = name, values[name]
		resource.Configs = append(resource.Configs, c)
	}
	req.Resources = append(req.Resources, resource)
	answer, err := a.shared.Request(ctx, req)
	if err != nil {
		return err
	}
	for _, r := range answer.(*kmsg.AlterConfigsResponse).Resources {
		if err := refused(r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}

// refused is the error of an answer, with what the broker said of it.
func refused(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && message != nil && *message != "" {
		return fmt.Errorf("%w: %s", err, *message)
	}
	return err
}
