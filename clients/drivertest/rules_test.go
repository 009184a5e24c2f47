package drivertest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// rules are the sentences and advices of rules.go, from its source: so that none
// is left out.
func rules(t *testing.T) (all []rule) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "rules.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if r, ok := n.(*ast.CompositeLit); ok && len(r.Elts) == 2 {
			var text [2]string
			for i, e := range r.Elts {
				text[i], _ = strconv.Unquote(e.(*ast.BasicLit).Value)
			}
			all = append(all, rule{text[0], text[1]})
		}
		return true
	})
	return all
}

func TestEveryRuleIsASentenceOfTheProtocol(t *testing.T) {
	page, err := os.ReadFile("../driver/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(page)), " ")
	all := rules(t)
	if len(all) < 30 {
		t.Fatalf("%d rules found", len(all))
	}
	for _, r := range all {
		if !strings.Contains(flat, r.sentence) {
			t.Errorf("PROTOCOL.md does not say %q", r.sentence)
		}
		if r.advice == "" {
			t.Errorf("no advice for %q", r.sentence)
		}
	}
}

func TestEveryCaseHasANameOfItsOwnAndAReason(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Cases() {
		if c.Name == "" || seen[c.Name] || c.Why == "" || c.run == nil {
			t.Errorf("%q: %q", c.Name, c.Why)
		}
		seen[c.Name] = true
	}
	chosen, err := ByName([]string{"flush", "acks-*"})
	if err != nil || len(chosen) != 4 {
		t.Errorf("%v, %v", chosen, err)
	}
	if _, err := ByName([]string{"flash"}); err == nil {
		t.Error("there is no such case")
	}
}
