package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

// processedName is the journal of a run's consumer, where it has one.
const processedName = "processed.jsonl"

// ConsumerSpec has a scenario's topics consumed once all is sent and read back:
// by one member of a group, in a process of its own, that processes record by
// record and commits after every so many.
type ConsumerSpec struct {
	CommitEvery int `yaml:"commit_every" json:"commit_every"` // records
	// KillAfter and CloseAfter end the process when it has processed so many
	// records, counted from its own start: with SIGKILL before the next commit, or
	// by closing it, which commits. At most one is set; 0 is not at all. Another
	// process goes on in its place, Times times; 0 is once.
	KillAfter  int `yaml:"kill_after,omitempty" json:"kill_after,omitempty"`
	CloseAfter int `yaml:"close_after,omitempty" json:"close_after,omitempty"`
	Times      int `yaml:"times,omitempty" json:"times,omitempty"`
}

// Consumer is one consumer instance, from its start to its end.
type Consumer struct {
	ID        int    `json:"id"` // from 0
	Library   string `json:"library"`
	Version   string `json:"version"`
	Group     string `json:"group"`
	PID       int    `json:"pid"`
	Opened    int64  `json:"opened"` // ns since the clock base
	Closed    int64  `json:"closed"`
	Processed int64  `json:"processed"` // records
	End       string `json:"end"`       // how its process ended: "signal: killed", "exit status 0"
}

// Processed is one line of processed.jsonl: a consumer has processed a record.
type Processed struct {
	Consumer  int    `json:"consumer"` // id of the instance
	At        int64  `json:"at"`       // ns since the clock base, when the harness heard of it
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Process   int32  `json:"process"` // identity parsed from the value; -1 when there is none
	Number    int64  `json:"number"`
}

// Processed appends one line to the consumer's journal, at once. The file is
// made with the first.
func (w *Writer) Processed(p Processed) error {
	line, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write a processed record: %w", err)
	}
	w.faultMu.Lock()
	defer w.faultMu.Unlock()
	if w.faults == nil {
		return fmt.Errorf("write a processed record: %w", ErrClosed)
	}
	if w.processed == nil {
		w.processed, err = os.OpenFile(filepath.Join(w.dir, processedName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return fmt.Errorf("write a processed record: %w", err)
		}
	}
	if _, err := w.processed.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write a processed record: %w", err)
	}
	w.processedRows++
	return nil
}

// closeProcessed closes the consumer's journal and lists it. Called with faultMu
// held.
func (w *Writer) closeProcessed() error {
	if w.processed == nil {
		return nil
	}
	if err := w.processed.Close(); err != nil {
		return fmt.Errorf("close the consumer's journal: %w", err)
	}
	file, err := sumFile(w.dir, processedName)
	if err != nil {
		return fmt.Errorf("close the consumer's journal: %w", err)
	}
	file.Rows = w.processedRows
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = append(w.files, file)
	return nil
}

// Processed yields what the run's consumer processed, in order; nothing where it
// had none. It ends after an error.
func (r *Run) Processed() iter.Seq2[Processed, error] {
	return func(yield func(Processed, error) bool) {
		path := filepath.Join(r.Dir, processedName)
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(Processed{}, fmt.Errorf("read the consumer's journal: %w", err))
			return
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			var p Processed
			if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
				yield(p, fmt.Errorf("%s is damaged: line %d: %w", path, n, err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Processed{}, fmt.Errorf("read the consumer's journal: %w", err))
		}
	}
}
