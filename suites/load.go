package suites

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

//go:embed */*.yaml claims.yaml
var embedded embed.FS

// Folders lists the suite folders, by name.
func Folders() []string {
	entries, err := fs.ReadDir(embedded, ".")
	if err != nil {
		panic("suites: the embedded folder cannot be read: " + err.Error())
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// Folder loads every scenario of a suite folder, in the order of their files.
func Folder(name string, v Vocabulary) ([]Scenario, error) {
	files, err := fs.Glob(embedded, path.Join(name, "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no suite folder %q (there are %s)", name, strings.Join(Folders(), ", "))
	}
	var scenarios []Scenario
	for _, file := range files {
		text, err := embedded.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read scenario %s: %w", file, err)
		}
		s, err := Parse(file, text, v)
		if err != nil {
			return nil, err
		}
		s.Folder = name
		scenarios = append(scenarios, s)
	}
	return scenarios, nil
}

// Find resolves what a person names on the command line: a suite folder, a
// scenario of one ("basic/ack-loss", or "ack-loss" when only one has it), or a
// file of their own.
func Find(name string, v Vocabulary) ([]Scenario, error) {
	if isYAML(name) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read scenario: %w", err)
		}
		s, err := Parse(name, text, v)
		return []Scenario{s}, err
	}
	if slices.Contains(Folders(), name) {
		return Folder(name, v)
	}
	folder, scenario, whole := strings.Cut(name, "/")
	if whole && slices.Contains(Folders(), folder) { // the others need not be read
		all, err := Folder(folder, v)
		if err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == scenario }); at >= 0 {
			return all[at : at+1], nil
		}
	}
	var found []Scenario
	var known []string
	for _, f := range Folders() {
		all, err := Folder(f, v)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			known = append(known, s.Folder+"/"+s.Name)
			if s.Name == name {
				found = append(found, s)
			}
		}
	}
	switch len(found) {
	case 1:
		return found, nil
	case 0:
		return nil, fmt.Errorf("no scenario, suite folder or file %q (suite folders: %s; scenarios: %s; a file of your own ends in .yaml)",
			name, strings.Join(Folders(), ", "), strings.Join(known, ", "))
	}
	var names []string
	for _, s := range found {
		names = append(names, s.Folder+"/"+s.Name)
	}
	return nil, fmt.Errorf("scenario %q stands in several folders: say which (%s)", name, strings.Join(names, ", "))
}

// Parse reads one scenario file. file is used in errors only. Every error says
// file, line and column.
func Parse(file string, text []byte, v Vocabulary) (Scenario, error) {
	var s Scenario
	root, err := read(file, text, "scenario", &s)
	if err != nil {
		return s, err
	}
	s.File = file
	s.fill(v)
	return s, placed(validate(&s, v), file, root)
}

// read decodes a file that holds one thing of a kind ("scenario"), strictly. Its
// root is for the places of problems that are found later.
func read(file string, text []byte, kind string, into any) (root ast.Node, err error) {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, positioned(file, err)
	}
	docs := documents(tree)
	if len(docs) != 1 {
		var second ast.Node
		if len(docs) > 1 {
			second = docs[1]
		}
		return nil, located(file, second, fmt.Sprintf("want exactly one %s in the file, there are %d", kind, len(docs)))
	}
	form := shape{file: file, kind: kind}
	form.hold(docs[0], reflect.TypeOf(into), "")
	if len(form.problems) > 0 {
		return nil, errors.Join(form.problems...)
	}
	if err := yaml.UnmarshalWithOptions(text, into, yaml.DisallowUnknownField()); err != nil {
		return nil, positioned(file, err)
	}
	return docs[0], nil
}

// placed joins problems into one error, each with its place in the file; nil for
// none.
func placed(problems []problem, file string, root ast.Node) error {
	var all []error
	for _, p := range problems {
		all = append(all, p.at(file, root))
	}
	return errors.Join(all...)
}

// documents lists the documents of a file that hold something.
func documents(tree *ast.File) []ast.Node {
	var docs []ast.Node
	for _, doc := range tree.Docs {
		if _, comment := doc.Body.(*ast.CommentGroupNode); doc.Body != nil && !comment {
			docs = append(docs, doc.Body)
		}
	}
	return docs
}

// positioned turns the YAML library's errors into "file:line:column: message".
func positioned(file string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		p := at.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", file, p.Line, p.Column, at.GetMessage())
	}
	return fmt.Errorf("%s:1:1: %w", file, err)
}
