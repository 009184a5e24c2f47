package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
)

// Run is a run directory that is read. Its methods may be called from any
// goroutine.
type Run struct {
	Dir      string
	Manifest *Manifest
	Plan     *Plan
	Faults   []FaultEvent

	ops, log, wire []*part // by number, those that are missing included
	faultsCut      bool    // faults.jsonl ends in the middle of a line
}

// Open reads the small files of a run directory and the footers of its part
// files. A part file that is missing or damaged is no error here: Verify tells
// of it, and so does every cursor that might have needed it.
func Open(dir string) (*Run, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open run directory: %s does not exist", dir)
	case err != nil:
		return nil, fmt.Errorf("open run directory: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("open run directory: %s is a file, not a run directory", dir)
	}
	r := &Run{Dir: dir, Manifest: new(Manifest), Plan: new(Plan)}
	if err := r.loadManifest(); err != nil {
		return nil, err
	}
	if err := r.loadPlan(); err != nil {
		return nil, err
	}
	if err := r.loadFaults(); err != nil {
		return nil, err
	}
	return r, r.loadParts()
}

func (r *Run) loadManifest() error {
	path := filepath.Join(r.Dir, manifestName)
	_, err := versionOf(path, Schema)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open run directory: %s is not a run directory: it has no %s", r.Dir, manifestName)
	case err != nil:
		return fmt.Errorf("open run directory: %w", err)
	}
	if err := loadJSON(path, r.Manifest); err != nil {
		return fmt.Errorf("open run directory: %w", err)
	}
	return nil
}

// loadJSON reads one JSON file; errors say where it is damaged.
func loadJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%s is damaged: %s: %w", path, place(text, err), err)
	}
	return nil
}

// place says where in text a JSON error is: "line 3, column 7".
func place(text []byte, err error) string {
	offset := int64(len(text))
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	before := text[:max(0, min(offset, int64(len(text))))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n')-1)
}

// loadFaults reads the fault journal. A last line without its end is what a
// killed harness leaves: it is passed over, and Verify tells of it.
func (r *Run) loadFaults() error {
	path := filepath.Join(r.Dir, faultsName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Verify tells of it
	}
	if err != nil {
		return fmt.Errorf("open run directory: %w", err)
	}
	if end := bytes.LastIndexByte(text, '\n') + 1; end < len(text) {
		r.faultsCut, text = true, text[:end]
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		var e FaultEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("open run directory: %s is damaged: line %d: %w", path, n, err)
		}
		r.Faults = append(r.Faults, e)
	}
	return nil
}

// loadParts reads the footers of all part files there are, and puts a part
// that cannot be read where one should be and is not.
func (r *Run) loadParts() error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return fmt.Errorf("open run directory: %w", err)
	}
	kept := new(atomic.Int32)
	tables := map[string]map[int]*part{opsTable: {}, logTable: {}, wireTable: {}}
	for _, entry := range entries {
		if table, seq, ok := parsePartName(entry.Name()); ok {
			tables[table][seq] = loadPart(r.Dir, entry.Name(), seq, kept)
		}
	}
	highest := map[string]int{}
	for table, parts := range tables {
		for seq := range parts {
			highest[table] = max(highest[table], seq)
		}
	}
	for _, f := range r.Manifest.Files {
		if table, seq, ok := parsePartName(f.Name); ok {
			highest[table] = max(highest[table], seq)
		}
	}
	inOrder := func(table string) []*part {
		all := make([]*part, 0, len(tables[table]))
		for seq := 1; seq <= highest[table]; seq++ {
			p := tables[table][seq]
			if p == nil {
				path := filepath.Join(r.Dir, partName(table, seq))
				p = &part{name: partName(table, seq), path: path, seq: seq, err: fmt.Errorf("part file %s is missing", path)}
			}
			all = append(all, p)
		}
		return all
	}
	r.ops, r.log, r.wire = inOrder(opsTable), inOrder(logTable), inOrder(wireTable)
	return nil
}

// Partitions lists the partitions under test, in the order of the manifest.
func (r *Run) Partitions() []TopicPartition {
	var all []TopicPartition
	for _, t := range r.Manifest.Topics {
		for p := range t.Partitions {
			all = append(all, TopicPartition{t.Name, int32(p)})
		}
	}
	return all
}

// Lanes lists the processes that have ops in a partition, rising. When a part
// file cannot be read it lists every process of the manifest as well, so that
// asking for their ops brings the error to light.
func (r *Run) Lanes(tp TopicPartition) []int32 {
	var all []int32
	unreadable := false
	for _, p := range r.ops {
		unreadable = unreadable || p.err != nil
		i, _ := slices.BinarySearchFunc(p.runs, laneKey{tp.Topic, tp.Partition, -1 << 31}, func(run partRun, k laneKey) int {
			return compareLanes(run.laneKey, k)
		})
		for ; i < len(p.runs) && p.runs[i].Topic == tp.Topic && p.runs[i].Partition == tp.Partition; i++ {
			all = append(all, p.runs[i].Process)
		}
	}
	if unreadable {
		for _, p := range r.Manifest.Processes {
			all = append(all, p.ID)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
