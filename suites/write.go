package suites

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/idemcheck/idemcheck/history"
)

// Write writes a scenario as a file that Parse reads back as it is, in the form
// of the files of this package: a line for every key, a block for every fault,
// and what has its default left out. It fails on a scenario that Parse would
// refuse. Its folder and file are no part of it.
func Write(s Scenario, v Vocabulary) ([]byte, error) {
	var out bytes.Buffer
	for _, key := range keysOf(reflect.ValueOf(lean(s, v))) {
		switch key.Key {
		case "nemesis":
			out.WriteString("nemesis:\n")
			for _, fault := range key.Value.([]any) {
				writeBlock(&out, fault.(yaml.MapSlice), "  - ", "    ")
			}
		case "mix":
			mix := key.Value.(yaml.MapSlice)
			faults := slices.IndexFunc(mix, func(item yaml.MapItem) bool { return item.Key == "faults" })
			list := mix[faults].Value.([]any)
			out.WriteString("mix:\n")
			writeBlock(&out, slices.Delete(mix, faults, faults+1), "  ", "  ")
			writeList(&out, "  faults", list)
		case "clients":
			if list := key.Value.([]any); len(list) > 1 {
				writeList(&out, "clients", list)
				continue
			}
			fallthrough
		default:
			writeBlock(&out, yaml.MapSlice{key}, "", "")
		}
	}
	// Whoever reads it later must read the same.
	again, err := Parse(s.Name+".yaml", out.Bytes(), v)
	if err != nil {
		return nil, fmt.Errorf("write scenario %s: %w", s.Name, err)
	}
	if s.File, s.Folder, again.File = "", "", ""; !same(s, again) {
		return nil, fmt.Errorf("write scenario %s: it cannot be said in a file (is a default not filled in?)", s.Name)
	}
	return out.Bytes(), nil
}

// same says whether two scenarios mean the same; an empty list is none.
func same(a, b Scenario) bool {
	one, err := json.Marshal(a)
	other, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(one, other)
}

// lean takes out what fill would put in.
func lean(s Scenario, v Vocabulary) Scenario {
	drop(&s.Cluster.Kind, "any")
	drop(&s.Topics.Replication, s.Cluster.Brokers)
	drop(&s.Cluster.Brokers, defaultBrokers)
	drop(&s.Topics.Count, 1)
	drop(&s.Topics.Partitions, defaultPartitions)
	s.Clients = slices.Clone(s.Clients)
	for i := range s.Clients {
		c := &s.Clients[i]
		c.Process = c.Process && c.Library == InProcess
		drop(&c.Acks, "all")
	}
	drop(&s.Workload.Size, defaultSize)
	if s.Mix != nil {
		mix := *s.Mix
		mix.Faults = slices.Clone(mix.Faults)
		for i := range mix.Faults {
			drop(&mix.Faults[i].Weight, 1)
		}
		drop(&mix.Family, 1)
		drop(&mix.Gap.Spread, history.SpreadExponential)
		s.Mix = &mix
	}
	drop(&s.Budget, defaultBudget)
	if slices.Equal(s.Check, v.Usual) {
		s.Check = nil
	}
	return s
}

func drop[T comparable](value *T, usual T) {
	if *value == usual {
		var zero T
		*value = zero
	}
}

// writeBlock writes a mapping in block form, its values in a line each.
func writeBlock(out *bytes.Buffer, items yaml.MapSlice, first, indent string) {
	for i, item := range items {
		before := indent
		if i == 0 {
			before = first
		}
		fmt.Fprintf(out, "%s%s: %s\n", before, item.Key, inline(item.Value))
	}
}

// writeList writes a list with an entry in each line.
func writeList(out *bytes.Buffer, key string, list []any) {
	indent := key[:len(key)-len(strings.TrimLeft(key, " "))]
	fmt.Fprintf(out, "%s:\n", key)
	for _, entry := range list {
		fmt.Fprintf(out, "%s  - %s\n", indent, inline(entry))
	}
}

// inline writes a value in one line. A text of several lines would take as many
// by itself, and is written as in a list.
func inline(value any) string {
	text, alone := value.(string)
	if alone && strings.IndexFunc(text, unicode.IsControl) >= 0 {
		listed := inline([]any{text})
		return listed[1 : len(listed)-1]
	}
	written, err := yaml.MarshalWithOptions(value, yaml.Flow(!alone))
	if err != nil {
		panic("suites: plain values cannot be written: " + err.Error())
	}
	return strings.TrimSpace(string(written))
}

// whole is a text that YAML reads as the number that it shows.
var whole = regexp.MustCompile(`^(0|[1-9][0-9]{0,14})$`)

// plain turns a value into what the YAML library writes as we want it; nil is
// for one that need not be written.
func plain(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case time.Duration:
		return span(value)
	case history.Which:
		if value == (history.Which{}) {
			return nil
		}
		return int64(value.Index())
	case *history.Range:
		if value == nil {
			return nil
		}
		text, err := value.MarshalText()
		if err != nil {
			panic("suites: a range cannot be written: " + err.Error())
		}
		return plain(reflect.ValueOf(string(text)))
	case string:
		if whole.MatchString(value) {
			var n int64
			_, _ = fmt.Sscan(value, &n) // it matched
			return n
		}
		return value
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Struct:
		return keysOf(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Map:
		var items yaml.MapSlice
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			items = append(items, yaml.MapItem{Key: key.String(), Value: plain(v.MapIndex(key))})
		}
		return items
	}
	return v.Interface()
}

// keysOf lists what a struct has to say, in the order in which files say it:
// which fault, then what it is told, then the rest.
func keysOf(v reflect.Value) yaml.MapSlice {
	var first, told, rest yaml.MapSlice
	for i := range v.NumField() {
		name, how, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if how == "inline" {
			told = keysOf(v.Field(i))
			continue
		}
		if name == "-" || how == "omitempty" && v.Field(i).IsZero() {
			continue
		}
		value := plain(v.Field(i))
		if items, mapping := value.(yaml.MapSlice); value == nil || mapping && len(items) == 0 {
			continue
		}
		item := yaml.MapItem{Key: name, Value: value}
		if name == "fault" || name == "weight" {
			first = append(first, item)
		} else {
			rest = append(rest, item)
		}
	}
	return slices.Concat(first, told, rest)
}

// span says a time as scenario files do: 90s, 1500ms, 250us.
func span(d time.Duration) string {
	switch {
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	case d%time.Millisecond == 0:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	case d%time.Microsecond == 0:
		return fmt.Sprintf("%dus", d/time.Microsecond)
	}
	return fmt.Sprintf("%dns", d)
}
