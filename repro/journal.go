package repro

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/idemcheck/idemcheck/suites"
)

// JournalSchema is the version of the journal's form.
const JournalSchema = 1

// EntryKind says what a line of the journal is about.
type EntryKind string

// The kinds of entries. A journal is one header, then the others as they happen.
const (
	HeaderEntry   EntryKind = "header"
	RunEntry      EntryKind = "run"
	DecisionEntry EntryKind = "decision"
)

// Purpose says what a run was made for.
type Purpose string

// The purposes. Runs for one are never counted for another: a trial that was
// passed by luck must not help the confirmation.
const (
	ForBaseline Purpose = "baseline"
	ForTrial    Purpose = "trial"
	ForConfirm  Purpose = "confirm"
)

// Entry is one line of the journal. Which fields are set depends on Kind.
type Entry struct {
	Kind EntryKind `json:"entry"`

	Header *Header `json:"header,omitempty"`

	// Of a run and of a decision.
	Scenario string `json:"scenario,omitempty"` // see Hash
	What     string `json:"what,omitempty"`     // "drop fault 3, reset"
	Rate     Rate   `json:"rate,omitzero"`      // so far, this run included

	// Of a run.
	Purpose Purpose  `json:"purpose,omitempty"`
	Outcome Outcome  `json:"outcome,omitempty"`
	Took    int64    `json:"took,omitempty"` // ns
	Run     string   `json:"run,omitempty"`
	Seen    []string `json:"seen,omitempty"`
	Why     string   `json:"why,omitempty"`

	// Of a decision. Now is the scenario that was accepted.
	Accepted bool            `json:"accepted,omitempty"`
	Now      json.RawMessage `json:"now,omitempty"`
}

// Header says which search a journal is of. All but Schema must be equal for a
// search to go on from it: outcomes of another client version, or counted for
// another anomaly, would be worth nothing.
type Header struct {
	Schema    int             `json:"schema"`
	Run       string          `json:"run"`
	Signature Signature       `json:"signature"`
	Versions  string          `json:"versions"`
	Baseline  int             `json:"baseline"` // replays that measure the rate
	Retries   int             `json:"retries"`
	Facts     Facts           `json:"facts"`
	Start     json.RawMessage `json:"start"`
}

// Hash identifies a scenario: 16 hex digits of what it says, whatever file it
// came from.
func Hash(sc suites.Scenario) string {
	sum := sha256.Sum256(resolved(sc))
	return hex.EncodeToString(sum[:8])
}

// resolved is a scenario as JSON, without where it came from.
func resolved(sc suites.Scenario) json.RawMessage {
	sc.Folder, sc.File = "", ""
	text, err := json.Marshal(sc)
	if err != nil {
		panic("repro: a scenario that is no JSON: " + err.Error()) // its fields are plain data
	}
	return text
}

// runKey names the runs of one scenario for one purpose.
type runKey struct {
	purpose  Purpose
	scenario string
}

// journal is the search's memory on disk.
type journal struct {
	file *os.File // nil: nothing is kept
	path string
	tell func(Entry)

	runs      map[runKey][]Entry // what an earlier go left, and was not taken yet
	decisions map[string]Entry
	earlier   int // runs of earlier goes
}

// openJournal opens or begins a journal. An empty path keeps nothing.
func openJournal(path string, h Header, tell func(Entry)) (*journal, error) {
	j := &journal{path: path, tell: tell, runs: make(map[runKey][]Entry), decisions: make(map[string]Entry)}
	if path == "" {
		return j, nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1 // a last line without its end is what a killed process leaves
	if err := j.read(text[:whole], h); err != nil {
		return nil, err
	}
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := j.file.Truncate(int64(whole)); err != nil {
		j.file.Close()
		return nil, fmt.Errorf("cut the torn end off journal %s: %w", path, err)
	}
	if _, err := j.file.Seek(int64(whole), 0); err != nil {
		j.file.Close()
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	if whole == 0 {
		if err := j.write(Entry{Kind: HeaderEntry, Header: &h}); err != nil {
			j.file.Close()
			return nil, err
		}
	}
	return j, nil
}

// read takes in what an earlier go left.
func (j *journal) read(text []byte, h Header) error {
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if len(text) == 0 {
			return nil
		}
		if n == 0 {
			if err := j.match(line, h); err != nil {
				return err
			}
			continue
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("journal %s is damaged: line %d: %w; move it away to begin anew", j.path, n+1, err)
		}
		switch e.Kind {
		case RunEntry:
			key := runKey{e.Purpose, e.Scenario}
			j.runs[key] = append(j.runs[key], e)
			j.earlier++
		case DecisionEntry:
			j.decisions[e.Scenario] = e
		default:
			return fmt.Errorf("journal %s is damaged: line %d: unknown entry %q; move it away to begin anew", j.path, n+1, e.Kind)
		}
	}
	return nil
}

// match wants the journal to be of this search.
func (j *journal) match(line []byte, want Header) error {
	// The version comes first: what a newer one means by the rest is unknown.
	var version struct {
		Header struct {
			Schema int `json:"schema"`
		} `json:"header"`
	}
	if err := json.Unmarshal(line, &version); err != nil || version.Header.Schema < 1 {
		return fmt.Errorf("%s is not the journal of a search: its first line is no header; name another file", j.path)
	}
	if has := version.Header.Schema; has > JournalSchema {
		return fmt.Errorf("journal %s has schema version %d, this idemcheck knows versions up to %d: update idemcheck", j.path, has, JournalSchema)
	}
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("journal %s is damaged: line 1: %w; move it away to begin anew", j.path, err)
	}
	for _, d := range []struct {
		what      string
		has, want any
	}{
		{"run", e.Header.Run, want.Run},
		{"anomaly", e.Header.Signature, want.Signature},
		{"versions", e.Header.Versions, want.Versions},
		{"baseline", e.Header.Baseline, want.Baseline},
		{"retries", e.Header.Retries, want.Retries},
	} {
		if d.has != d.want {
			return fmt.Errorf("journal %s is of another search: its %s is %v, not %v; name another file, or move it away to begin anew", j.path, d.what, d.has, d.want)
		}
	}
	if !bytes.Equal(asJSON(e.Header.Facts), asJSON(want.Facts)) || !bytes.Equal(e.Header.Start, want.Start) {
		return fmt.Errorf("journal %s is of another search: it began with another scenario; name another file, or move it away to begin anew", j.path)
	}
	return nil
}

func asJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic("repro: no JSON: " + err.Error()) // called with plain data only
	}
	return text
}

// Runs lists the runs and decisions that a journal holds, in order: none where
// there is no journal yet. Whose search it is is not asked.
func Runs(path string) ([]Entry, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	var entries []Entry
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err == nil && e.Kind != HeaderEntry { // Shrink complains of a damaged one
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// take returns the next run of an earlier go, if there is one left.
func (j *journal) take(key runKey) (Entry, bool) {
	left := j.runs[key]
	if len(left) == 0 {
		return Entry{}, false
	}
	j.runs[key] = left[1:]
	return left[0], true
}

// decide notes a decision. One that an earlier go took must be the same.
func (j *journal) decide(e Entry) error {
	if before, ok := j.decisions[e.Scenario]; ok {
		if before.Accepted != e.Accepted {
			return fmt.Errorf("journal %s does not fit: %q was decided otherwise from the same runs, by another version of idemcheck; move it away to begin anew", j.path, e.What)
		}
		return nil
	}
	return j.write(e)
}

// write appends one line, and tells of it.
func (j *journal) write(e Entry) error {
	if j.tell != nil {
		j.tell(e)
	}
	if j.file == nil {
		return nil
	}
	if _, err := j.file.Write(append(asJSON(e), '\n')); err != nil {
		return fmt.Errorf("write journal %s: %w", j.path, err)
	}
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close journal %s: %w", j.path, err)
	}
	return nil
}
