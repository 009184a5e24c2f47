package claims

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/idemcheck/idemcheck/suites"
)

// Check finds what conditions and sentences of a table name and there is not.
func Check(t suites.Table) error {
	var all []error
	for _, row := range t.Rows {
		for _, a := range row.Answers {
			if a.When != "" {
				if err := names(a.When, row); err != nil {
					all = append(all, fmt.Errorf("%s: row %s: when %q: %w", t.File, row.ID, a.When, err))
				}
			}
			if _, err := fill(a.Because, func(code string) (string, error) { return "", names(code, row) }); err != nil {
				all = append(all, fmt.Errorf("%s: row %s: because: %w", t.File, row.ID, err))
			}
		}
	}
	return errors.Join(all...)
}

// names holds an expression against the sides and figures that there are. To
// the library a figure that is not there is a nought, and would decide.
func names(code string, row suites.Row) error {
	tree, err := parser.Parse(code)
	if err != nil {
		return err
	}
	w := &walker{row: row}
	ast.Walk(&tree.Node, w)
	return errors.Join(w.problems...)
}

type walker struct {
	row      suites.Row
	problems []error
}

// isCall and isPart know the names that stand beside sides and figures in a
// condition: functions of samples, and the parts of an Interval.
func isCall(name string) bool { return name == "ratio" || name == "spread" }
func isPart(name string) bool { return name == "mean" || name == "low" || name == "high" }

// Visit implements ast.Visitor.
func (w *walker) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if _, ok := w.row.Sides[n.Value]; !ok && !isCall(n.Value) {
			w.problems = append(w.problems, fmt.Errorf("there is no side %q (there are %s)", n.Value, strings.Join(slices.Sorted(maps.Keys(w.row.Sides)), ", ")))
		}
	case *ast.MemberNode:
		figure, ok := n.Property.(*ast.StringNode)
		if _, called := n.Node.(*ast.CallNode); called && ok && isPart(figure.Value) {
			return
		}
		if ok && isMeasured(figure.Value) && !w.row.Measured {
			w.problems = append(w.problems, fmt.Errorf("%s is only known of a row that says measured: true", figure.Value))
		}
		if !ok || !isKnown(figure.Value) && !isMeasured(figure.Value) {
			w.problems = append(w.problems, fmt.Errorf("there is no figure %s (`idemcheck list figures` names them)", n.Property))
		}
	}
}

// holds evaluates a condition; an empty one holds.
func holds(when string, env map[string]any) (bool, error) {
	if when == "" {
		return true, nil
	}
	program, err := expr.Compile(when, append(functions(), expr.Env(env), expr.AsBool())...)
	if err != nil {
		return false, fmt.Errorf("when %q: %w", when, err)
	}
	out, err := expr.Run(program, env)
	if err != nil {
		return false, fmt.Errorf("when %q: %w", when, err)
	}
	return out.(bool), nil
}

// sentence puts figures into a sentence.
func sentence(because string, env map[string]any) (string, error) {
	return fill(because, func(code string) (string, error) {
		program, err := expr.Compile(code, append(functions(), expr.Env(env))...)
		if err != nil {
			return "", err
		}
		out, err := expr.Run(program, env)
		if err != nil {
			return "", err
		}
		if share, ok := out.(float64); ok {
			return fmt.Sprintf("%.3g", share), nil
		}
		return fmt.Sprint(out), nil
	})
}

// fill replaces every {expression} of a text.
func fill(text string, value func(code string) (string, error)) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		code, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("%q: a brace is never closed", text)
		}
		said, err := value(code)
		if err != nil {
			return "", fmt.Errorf("{%s}: %w", code, err)
		}
		b.WriteString(said)
		text = after
	}
}
