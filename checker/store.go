package checker

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// VerdictFile is the name of the verdict in a run directory.
const VerdictFile = "verdict.json"

// Save writes the verdict into the run directory, replacing the one of an
// earlier judging in one step.
func Save(dir string, v *Verdict) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("save the verdict of %s: %w", dir, err)
	}
	path := filepath.Join(dir, VerdictFile)
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("save the verdict: %w (is the folder writable, and is there room on the disk?)", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("save the verdict: %w", err)
	}
	return nil
}

// Load reads the verdict of an earlier judging. The error wraps
// os.ErrNotExist when the run was never judged.
func Load(dir string) (*Verdict, error) {
	text, err := os.ReadFile(filepath.Join(dir, VerdictFile))
	if err != nil {
		return nil, fmt.Errorf("load the verdict of %s: %w (judge the run with: idemcheck check %s)", dir, err, dir)
	}
	var v Verdict
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("load the verdict of %s: %w (judge the run again with: idemcheck check %s)", dir, err, dir)
	}
	if v.Schema > Schema {
		return nil, fmt.Errorf("load the verdict of %s: its form is version %d, this idemcheck knows %d: use a newer idemcheck", dir, v.Schema, Schema)
	}
	return &v, nil
}
