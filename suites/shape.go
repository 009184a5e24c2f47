package suites

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// shape holds a parsed file against the types that it is decoded to, before
// that: every key must be known, and every value of its kind. The YAML
// library would do the same, but it stops at the first, does not say what is
// allowed, and loses the place of what an UnmarshalText refuses.
type shape struct {
	file     string
	kind     string // of what the file holds: scenario
	problems []error
}

func (s *shape) complain(node ast.Node, format string, values ...any) {
	s.problems = append(s.problems, located(s.file, node, fmt.Sprintf(format, values...)))
}

// located puts file, line and column in front of a message.
func located(file string, node ast.Node, message string) error {
	line, column := 1, 1
	if t := beginning(node); t != nil && t.Position != nil {
		line, column = t.Position.Line, t.Position.Column
	}
	return fmt.Errorf("%s:%d:%d: %s", file, line, column, message)
}

// beginning is the first token of a node. A mapping in block form calls its
// first colon its own.
func beginning(node ast.Node) *token.Token {
	switch n := node.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return node.GetToken()
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	expectType   = reflect.TypeFor[Expect]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// hold checks one value; what is its key, or "" for the whole file.
func (s *shape) hold(node ast.Node, t reflect.Type, what string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n := node.(type) {
	case *ast.NullNode:
		return // as if left out
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		s.complain(node, "%s: anchors, aliases and tags are not taken: write the value out", orElse(what, s.kind))
		return
	case *ast.StringNode:
		if t == expectType {
			if n.Value != "pass" {
				s.complain(node, "expect %q: want pass, or {violation: KIND}", n.Value)
			}
			return
		}
	}
	_, scalar := node.(ast.ScalarNode)
	switch {
	case reflect.PointerTo(t).Implements(textType):
		if !scalar {
			s.complain(node, "%s: want a single value", what)
		} else if err := reflect.New(t).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(node.GetToken().Value)); err != nil {
			s.complain(node, "%s: %v", what, err)
		}
	case t == durationType:
		if _, err := time.ParseDuration(node.GetToken().Value); err != nil || !scalar {
			s.complain(node, "%s %s: want a time with its unit, like 500ms, 3s or 2m", what, words(node))
		}
	case t.Kind() == reflect.Struct:
		s.holdStruct(node, t, what)
	case t.Kind() == reflect.Map:
		values, ok := entries(node)
		if !ok {
			s.complain(node, "%s %s: want a mapping, like {key: value}", what, words(node))
		}
		for _, v := range values {
			s.hold(v.Value, t.Elem(), v.Key.GetToken().Value)
		}
	case t.Kind() == reflect.Slice:
		list, ok := node.(*ast.SequenceNode)
		if !ok {
			s.complain(node, "%s %s: want a list, like [one, two]", what, words(node))
			return
		}
		for _, v := range list.Values {
			s.hold(v, t.Elem(), what)
		}
	case t.Kind() == reflect.Bool:
		if _, ok := node.(*ast.BoolNode); !ok {
			s.complain(node, "%s %s: want true or false", what, words(node))
		}
	case t.Kind() == reflect.String:
		if !scalar {
			s.complain(node, "%s: want a single value", what)
		}
	case t.Kind() == reflect.Float64:
		switch node.(type) {
		case *ast.FloatNode, *ast.IntegerNode:
		default:
			s.complain(node, "%s %s: want a number, like 0.5", what, words(node))
		}
	default:
		s.holdNumber(node, t, what)
	}
}

func (s *shape) holdStruct(node ast.Node, t reflect.Type, what string) {
	fields, names := make(map[string]reflect.Type), []string(nil)
	for _, field := range reflect.VisibleFields(t) {
		name, how, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name != "-" && how != "inline" { // what is inlined is visible itself
			fields[name] = field.Type
			names = append(names, name)
		}
	}
	allowed := strings.Join(names, ", ")
	values, ok := entries(node)
	if !ok && what == "" {
		s.complain(node, "%s: want a %s, a mapping with the keys %s", words(node), s.kind, allowed)
	} else if !ok {
		s.complain(node, "%s %s: want a mapping with the keys %s", what, words(node), allowed)
	}
	for _, v := range values {
		key := v.Key.GetToken().Value
		if field, known := fields[key]; known {
			s.hold(v.Value, field, key)
			continue
		}
		where := ""
		if what != "" {
			where = " in " + what
		}
		s.complain(v, "unknown key %q%s (allowed: %s)", key, where, allowed)
	}
}

func (s *shape) holdNumber(node ast.Node, t reflect.Type, what string) {
	n, ok := node.(*ast.IntegerNode)
	if !ok {
		s.complain(node, "%s %s: want a whole number", what, words(node))
		return
	}
	zero := reflect.Zero(t)
	switch v := n.Value.(type) {
	case int64:
		if zero.CanUint() { // then it is below nought
			s.complain(node, "%s %s: want 0 or more", what, words(node))
			return
		}
		ok = !zero.OverflowInt(v)
	case uint64:
		ok = zero.CanUint() || v < 1<<63 && !zero.OverflowInt(int64(v))
	}
	if !ok {
		s.complain(node, "%s %s: the number is too large", what, words(node))
	}
}

// entries lists the entries of a mapping; false when the node is none.
func entries(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// words says what stands there, shortened.
func words(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "{...}"
	case *ast.SequenceNode:
		return "[...]"
	}
	text := []rune(node.GetToken().Value)
	if len(text) > 40 {
		text = append(text[:40], []rune("...")...)
	}
	return fmt.Sprintf("%q", string(text))
}
