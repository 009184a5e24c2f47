package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Verify holds the run directory against its manifest and returns what is
// wrong, a sentence each; nothing when it is whole.
func (r *Run) Verify() []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	listed := make(map[string]bool)
	for _, f := range r.Manifest.Files {
		listed[f.Name] = true
	}
	killed := !listed[faultsName] // the final manifest lists it
	switch {
	case len(r.Manifest.Files) == 0 || len(r.Manifest.Files) == 1 && listed[planName]:
		say("%s lists no parts: the harness was killed before it could finish the run, so the last rows may be missing.", manifestName)
	case killed:
		say("%s was never completed: the harness was killed before it could finish the run, so the last rows may be missing.", manifestName)
	}
	for _, f := range r.Manifest.Files {
		if text := r.compare(f); text != "" {
			say("%s", text)
		}
	}
	for _, table := range [][]*part{r.ops, r.log, r.wire} {
		for _, p := range table {
			switch {
			case listed[p.name]: // compared above
			case p.err != nil && !exists(p.path):
				say("%s is missing: there are later parts.", p.name)
			case p.err != nil:
				say("%s is not listed in %s and cannot be read: %v.", p.name, manifestName, p.err)
			case killed:
				say("%s was written after %s was last saved; it cannot be told whether it is unaltered.", p.name, manifestName)
			default:
				say("%s is not listed in %s: it does not belong to this run.", p.name, manifestName)
			}
		}
	}
	if killed && !exists(filepath.Join(r.Dir, faultsName)) {
		say("%s is missing.", faultsName)
	}
	if killed && r.faultsCut {
		say("%s ends in the middle of a line: the harness was killed while writing it.", faultsName)
	}
	return append(wrong, r.leftovers()...)
}

// compare holds one listed file against the disk; "" when it is unaltered.
func (r *Run) compare(f File) string {
	if f.Name != filepath.Base(f.Name) {
		return fmt.Sprintf("%s lists %q, which is not a file of a run directory.", manifestName, f.Name)
	}
	now, err := sumFile(r.Dir, f.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s is missing (%d rows).", f.Name, f.Rows)
	case err != nil:
		return fmt.Sprintf("%s cannot be read: %v.", f.Name, err)
	case now.Bytes < f.Bytes:
		return fmt.Sprintf("%s is truncated: it has %d of %d bytes.", f.Name, now.Bytes, f.Bytes)
	case now.Bytes > f.Bytes:
		return fmt.Sprintf("%s has been altered: it has %d bytes instead of %d.", f.Name, now.Bytes, f.Bytes)
	case now.SHA256 != f.SHA256:
		return fmt.Sprintf("%s has been altered: its SHA-256 is not the one in %s.", f.Name, manifestName)
	}
	return ""
}

// leftovers tells of part files that were never finished.
func (r *Run) leftovers() []string {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return []string{fmt.Sprintf("%s cannot be listed: %v.", r.Dir, err)}
	}
	var found []string
	for _, entry := range entries {
		if stem, ok := strings.CutSuffix(entry.Name(), tempSuffix); ok {
			found = append(found, fmt.Sprintf("%s was never finished: the harness stopped while writing %s.", entry.Name(), stem))
		}
	}
	return found
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
