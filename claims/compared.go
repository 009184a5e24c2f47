package claims

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/idemcheck/idemcheck/suites"
)

// Comparison is one measure, and the sides that a row compares in it.
type Comparison struct {
	Measure string
	Sides   []string
}

// Compared lists what a row compares, in the order in which its answers name it.
func Compared(row suites.Row) []Comparison {
	v := new(comparing)
	for _, a := range row.Answers {
		for _, text := range []string{"{" + a.When + "}", a.Because} {
			_, _ = fill(text, func(code string) (string, error) { // Check has found what is wrong with it
				tree, err := parser.Parse(code)
				if err == nil {
					ast.Walk(&tree.Node, v)
				}
				return "", err
			})
		}
	}
	return v.found
}

type comparing struct{ found []Comparison }

// Visit implements ast.Visitor.
func (v *comparing) Visit(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	side, isSide := member.Node.(*ast.IdentifierNode)
	measure, isName := member.Property.(*ast.StringNode)
	if !isSide || !isName || !isMeasured(measure.Value) {
		return
	}
	at := slices.IndexFunc(v.found, func(c Comparison) bool { return c.Measure == measure.Value })
	if at < 0 {
		at = len(v.found)
		v.found = append(v.found, Comparison{Measure: measure.Value})
	}
	if c := &v.found[at]; !slices.Contains(c.Sides, side.Value) {
		c.Sides = append(c.Sides, side.Value)
	}
}
