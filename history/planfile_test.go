package history

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPlanFileIsReadByItself(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"ours":                 {`{"schema": 2, "seed": 7, "scenario": {"name": "x"}, "workload": {"name": "fan-out"}, "faults": []}`, ""},
		"of the first schema":  {`{"schema": 1, "seed": 7}`, "does not say what scenario it is of: name its run directory instead"},
		"of a newer schema":    {`{"schema": 3, "scenari": 1}`, "schema version 3, this idemcheck knows versions up to 2: update idemcheck"},
		"without a schema":     {`{"seed": 7}`, "it has no schema version"},
		"without its scenario": {`{"schema": 2, "seed": 7}`, "is damaged: it has no scenario"},
		"with an unknown key":  {`{"schema": 2, "scenario": {}, "faults": [{"heal_inn": 5}]}`, `is damaged: line 1, column`},
		"with another value":   {`{"schema": 2, "scenario": {}, "seed": "x"}`, "is damaged: line 1, column"},
		"with something after": {`{"schema": 2, "scenario": {}} {}`, "after top-level value"},
		"cut":                  {`{"schema": 2, "sce`, "is damaged: line 1, column"},
	} {
		path := filepath.Join(t.TempDir(), "plan.json")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		plan, err := OpenPlan(path)
		switch {
		case c.says == "" && (err != nil || plan.Seed != 7 || len(plan.Scenario) == 0):
			t.Errorf("%s: %+v, %v", name, plan, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path)):
			t.Errorf("%s: %v, want %q and the path", name, err, c.says)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none.json")} {
		if _, err := OpenPlan(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAnAlteredPlanIsNoticed(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	whole := finish(t, w, dir)
	says(t, whole)
	if err := whole.PlanAltered(); err != nil {
		t.Error(err)
	}
	path := filepath.Join(dir, planName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Replace(text, []byte(`"seed": 7`), []byte(`"seed": 8`), 1)
	if err := os.WriteFile(path, altered, 0o644); err != nil || bytes.Equal(text, altered) {
		t.Fatal("the plan was not altered", err)
	}
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	says(t, run, "plan.json has been altered")
	if err := run.PlanAltered(); err == nil || !strings.Contains(err.Error(), "plan.json has been altered") {
		t.Error(err)
	}
	// A directory from before plans were listed is whole without.
	run.Manifest.Files = run.Manifest.Files[:len(run.Manifest.Files)-1]
	says(t, run)
	if err := run.PlanAltered(); err != nil {
		t.Error(err)
	}
}
