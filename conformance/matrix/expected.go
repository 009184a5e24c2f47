package matrix

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Expected is an entry of a file of expected failures: how a case is known to
// come out, and why that is lived with.
type Expected struct {
	Case    int
	Verdict Verdict  // Fail, NonStrict, Error or NotApplicable
	Reason  string   // on one line, never empty
	On      []string // columns by name; none: all
}

// expectable are the verdicts that a file may expect. Nobody needs to excuse the others.
var expectable = [...]Verdict{Fail, NonStrict, Error, NotApplicable}

// ReadExpected reads a file of expected failures, a YAML list:
//
//   - case: 13                # number or name
//     verdict: fail           # the default; or non-strict, error, not-applicable
//     reason: wraps one early, see ticket 42
//     on: ["Kafka 4.3.1"]     # columns by name; left out: all
//
// Of cases it may name those that there are, whether they were held or not. A
// file without entries expects nothing. The error joins everything that is wrong
// with the file, each with file, line, column, and what is allowed.
func ReadExpected(file string, cases []Case) ([]Expected, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the expected failures: %w", err)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			p := at.GetToken().Position
			return nil, fmt.Errorf("%s:%d:%d: %s", file, p.Line, p.Column, at.GetMessage())
		}
		return nil, fmt.Errorf("%s:1:1: %w", file, err)
	}
	r := reader{file: file, cases: cases, lines: make(map[int]int)}
	for _, doc := range tree.Docs {
		if _, comment := doc.Body.(*ast.CommentGroupNode); doc.Body != nil && !comment {
			r.list(doc.Body)
		}
	}
	if len(r.problems) > 0 {
		return nil, errors.Join(r.problems...)
	}
	return r.read, nil
}

// reader goes through the nodes of a file. It does by hand what the YAML library
// would stop at the first problem of, without saying what is allowed.
type reader struct {
	file     string
	cases    []Case
	read     []Expected
	lines    map[int]int // where an entry of read stands, by index
	problems []error
}

// complain notes what is wrong at a node.
func (r *reader) complain(node ast.Node, format string, args ...any) {
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		node = m.Values[0].Key // the node's own token is its first colon
	}
	p := node.GetToken().Position
	r.problems = append(r.problems, fmt.Errorf("%s:%d:%d: %s", r.file, p.Line, p.Column, fmt.Sprintf(format, args...)))
}

func (r *reader) list(node ast.Node) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		r.complain(node, "want a list of expected failures, like - {case: 13, reason: see ticket 42}")
		return
	}
	for _, value := range list.Values {
		r.entry(value)
	}
}

func (r *reader) entry(node ast.Node) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values, node = []*ast.MappingValueNode{n}, n.Key
	default:
		r.complain(node, "want a mapping with the keys case, verdict, reason, on")
		return
	}
	e := Expected{Verdict: Fail}
	before, has := len(r.problems), make(map[string]bool)
	for _, v := range values {
		key := v.Key.GetToken().Value
		has[key] = true
		switch key {
		case "case":
			e.Case = r.number(v.Value)
		case "verdict":
			e.Verdict = r.verdict(v.Value)
		case "reason":
			e.Reason = strings.Join(strings.Fields(r.scalar(v.Value, "reason")), " ")
		case "on":
			e.On = r.columns(v.Value)
		default:
			r.complain(v.Key, "unknown key %q (allowed: case, verdict, reason, on)", key)
		}
	}
	if !has["case"] {
		r.complain(node, "case is missing: say which, by number or name")
	}
	if !has["reason"] {
		r.complain(node, "reason is missing: say in a sentence why this is lived with")
	}
	if len(r.problems) > before {
		return
	}
	for i, other := range r.read {
		if other.Case == e.Case && overlap(other.On, e.On) {
			r.complain(node, "case %d is expected twice for the same column: line %d says so too (give each entry its own columns with on)", e.Case, r.lines[i])
			return
		}
	}
	r.lines[len(r.read)] = node.GetToken().Position.Line
	r.read = append(r.read, e)
}

// number resolves the number or the name of a case.
func (r *reader) number(node ast.Node) int {
	name := r.scalar(node, "case")
	if name == "" {
		return 0
	}
	var numbers []int
	for _, c := range r.cases {
		if name == c.Name || name == fmt.Sprint(c.Number) {
			return c.Number
		}
		numbers = append(numbers, c.Number)
	}
	if len(numbers) == 0 {
		r.complain(node, "there is no case %q", name)
	} else {
		r.complain(node, "there is no case %q: there are %d to %d, by number or name", name, slices.Min(numbers), slices.Max(numbers))
	}
	return 0
}

func (r *reader) verdict(node ast.Node) Verdict {
	name := r.scalar(node, "verdict")
	var names []string
	for _, v := range expectable {
		if v.String() == name {
			return v
		}
		names = append(names, v.String())
	}
	if name != "" {
		r.complain(node, "verdict %q can't be expected (allowed: %s)", name, strings.Join(names, ", "))
	}
	return NotRun
}

func (r *reader) columns(node ast.Node) (names []string) {
	list, ok := node.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		r.complain(node, `on: want a list of columns, like ["Kafka 4.3.1"]; without it all are meant`)
		return nil
	}
	for _, value := range list.Values {
		name := r.scalar(value, "on")
		if slices.Contains(names, name) {
			r.complain(value, "on: %q stands there twice", name)
		}
		names = append(names, name)
	}
	return names
}

// scalar reads a single value as it is written; "" is one that was complained of.
func (r *reader) scalar(node ast.Node, what string) string {
	text := ""
	switch n := node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		text = n.GetToken().Value
	}
	if strings.TrimSpace(text) == "" {
		r.complain(node, "%s: want a single value that is not empty", what)
	}
	return text
}

// overlap says whether two lists of columns, of which none is all, share one.
func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}
