package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// SaveManifest replaces the manifest, atomically. It fills in m.Files with the
// parts finished so far.
func (w *Writer) SaveManifest(m *Manifest) error {
	w.saving.Lock()
	defer w.saving.Unlock()
	w.mu.Lock()
	m.Files = slices.Clone(w.files)
	w.mu.Unlock()
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	if m.Schema == 0 {
		m.Schema = Schema
	}
	return saveJSON(filepath.Join(w.dir, manifestName), m)
}

// Close finishes the open parts and saves m, the final manifest, even when
// some rows could not be written. Ops that were never answered are written as
// pending. A second Close is an error.
func (w *Writer) Close(m *Manifest) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return fmt.Errorf("close %s: %w", w.dir, ErrClosed)
	}
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	<-w.ticked
	w.rotate(true)
	close(w.jobs)
	<-w.written
	err := errors.Join(w.failed(), w.closeFaults())
	return errors.Join(err, w.SaveManifest(m))
}

// closeFaults closes the fault journal and lists it among the finished files.
func (w *Writer) closeFaults() error {
	w.faultMu.Lock()
	defer w.faultMu.Unlock()
	err := w.faults.Close()
	w.faults = nil
	if err = errors.Join(err, w.closeProcessed()); err != nil {
		return fmt.Errorf("close fault journal: %w", err)
	}
	file, err := sumFile(w.dir, faultsName)
	if err != nil {
		return fmt.Errorf("close fault journal: %w", err)
	}
	file.Rows = w.faultRows
	w.mu.Lock()
	w.files = append(w.files, file)
	w.mu.Unlock()
	return nil
}

// sumFile measures and hashes one file of a run directory.
func sumFile(dir, name string) (File, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, f)
	if err != nil {
		return File{}, err
	}
	return File{Name: name, Bytes: n, SHA256: hex.EncodeToString(hash.Sum(nil))}, nil
}

// saveJSON writes v to path so that either the old or the new text is there,
// whatever happens.
func saveJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	f, err := os.OpenFile(path+tempSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	if err := os.Rename(path+tempSuffix, path); err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	return nil
}
