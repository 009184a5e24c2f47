package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// OpenPlan reads a plan file by itself, wherever it lies. It is strict: a plan
// may have been edited, and a key that nobody reads would change nothing where
// somebody meant it to. A plan of schema 1 has no scenario and is refused.
func OpenPlan(path string) (*Plan, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open plan: %s does not exist", path)
	case err != nil:
		return nil, fmt.Errorf("open plan: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("open plan: %s is a folder, not a plan file", path)
	}
	schema, err := versionOf(path, PlanSchema)
	if err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	if schema == 1 {
		return nil, fmt.Errorf("open plan: %s has schema version 1, which does not say what scenario it is of: name its run directory instead", path)
	}
	p := new(Plan)
	if err := loadStrictly(path, p); err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	if len(p.Scenario) == 0 || bytes.Equal(p.Scenario, []byte("null")) {
		return nil, fmt.Errorf("open plan: %s is damaged: it has no scenario, which schema version %d has", path, schema)
	}
	return p, nil
}

// loadPlan reads the plan of a run directory, of any schema up to ours.
func (r *Run) loadPlan() error {
	path := filepath.Join(r.Dir, planName)
	if _, err := versionOf(path, PlanSchema); err != nil {
		return fmt.Errorf("open run directory: %w", err)
	}
	if err := loadJSON(path, r.Plan); err != nil {
		return fmt.Errorf("open run directory: %w", err)
	}
	return nil
}

// versionOf reads the schema version of a JSON file, before anything else: what
// a newer one means by the rest is unknown.
func versionOf(path string, knows int) (int, error) {
	var version struct {
		Schema *int `json:"schema"`
	}
	err := loadJSON(path, &version)
	switch {
	case err != nil:
		return 0, err
	case version.Schema == nil || *version.Schema < 1:
		return 0, fmt.Errorf("%s is damaged, or not of idemcheck: it has no schema version", path)
	case *version.Schema > knows:
		return 0, fmt.Errorf("%s has schema version %d, this idemcheck knows versions up to %d: update idemcheck", path, *version.Schema, knows)
	}
	return *version.Schema, nil
}

// loadStrictly is loadJSON that takes no unknown key.
func loadStrictly(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	from := json.NewDecoder(bytes.NewReader(text))
	from.DisallowUnknownFields()
	if err := from.Decode(to); err != nil {
		return fmt.Errorf("%s is damaged: %s: %w", path, place(text, err), err)
	}
	return nil
}

// PlanAltered says how the plan of a run directory differs from the one that
// its manifest lists; nil when it does not, or when the manifest is from before
// plans were listed.
func (r *Run) PlanAltered() error {
	i := slices.IndexFunc(r.Manifest.Files, func(f File) bool { return f.Name == planName })
	if i < 0 {
		return nil
	}
	if wrong := r.compare(r.Manifest.Files[i]); wrong != "" {
		return fmt.Errorf("%s: %s", r.Dir, strings.TrimSuffix(wrong, "."))
	}
	return nil
}
