package history

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/parquet-go/parquet-go"
)

// part is a part file of a run that is read. Its file descriptor is shared by
// all cursors that stand in it, and closed when the last one has moved on.
type part struct {
	name string
	path string
	seq  int
	runs []partRun // by lane, rising
	rows int64
	err  error // why it cannot be read; then runs is empty

	kept *atomic.Int32 // parts of the run that keep their footer in memory

	mu     sync.Mutex // guards what follows
	users  int
	file   *os.File
	footer *parquet.File
	keep   bool // footer, when nobody uses it
}

// mostFooters is how many parts of a run keep their decoded footer (some 50
// KiB each) between uses; others are decoded again when they are entered.
const mostFooters = 256

// parsePartName takes a part file's name apart.
func parsePartName(name string) (table string, seq int, ok bool) {
	stem, ok := strings.CutSuffix(name, ".parquet")
	if !ok {
		return "", 0, false
	}
	table, digits, ok := strings.Cut(stem, "-")
	if !ok || (table != opsTable && table != logTable && table != wireTable) {
		return "", 0, false
	}
	seq, err := strconv.Atoi(digits)
	if err != nil || seq < 1 || partName(table, seq) != name {
		return "", 0, false
	}
	return table, seq, true
}

// loadPart reads what the footer of a part says about its rows.
func loadPart(dir, name string, seq int, kept *atomic.Int32) *part {
	p := &part{name: name, path: filepath.Join(dir, name), seq: seq, kept: kept}
	p.err = p.load()
	return p
}

func (p *part) load() error {
	pq, err := p.acquire()
	if err != nil {
		return err
	}
	defer p.release()
	text, ok := pq.Lookup(runsKey)
	if !ok {
		return fmt.Errorf("part file %s was not written by idemcheck: its metadata has no %s", p.path, runsKey)
	}
	if err := json.Unmarshal([]byte(text), &p.runs); err != nil {
		p.runs = nil
		return fmt.Errorf("part file %s is damaged: %s: %w", p.path, runsKey, err)
	}
	p.rows = pq.NumRows()
	return nil
}

// acquire opens the part, or joins those who have it open. Every acquire that
// succeeds is followed by a release.
func (p *part) acquire() (*parquet.File, error) {
	if p.err != nil {
		return nil, p.err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users > 0 {
		p.users++
		return p.footer, nil
	}
	file, err := os.Open(p.path)
	if err != nil {
		return nil, fmt.Errorf("open part file: %w", err)
	}
	p.file = file
	if p.footer == nil {
		if p.footer, err = p.decode(); err != nil {
			p.file = nil
			file.Close()
			return nil, damaged(p.path, err)
		}
		p.keep = p.keep || p.kept.Add(1) <= mostFooters
	}
	p.users = 1
	return p.footer, nil
}

// damaged says that a part file cannot be read. It hides what err wraps: an
// io.EOF in the middle of a file must not be taken for the end of a lane.
func damaged(path string, err error) error {
	return fmt.Errorf("part file %s is damaged: %v", path, err) //nolint:errorlint // hidden on purpose, see above
}

// decode reads the footer. The library may panic on bytes that are not what
// they say; to us that is damage like any other.
func (p *part) decode() (pq *parquet.File, err error) {
	defer recoverDamage(&err)
	info, err := p.file.Stat()
	if err != nil {
		return nil, err
	}
	pq, err = parquet.OpenFile(p, info.Size(), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	if groups := len(pq.RowGroups()); groups != 1 && pq.NumRows() > 0 {
		return nil, fmt.Errorf("it has %d row groups instead of 1", groups)
	}
	return pq, nil
}

// release undoes one acquire.
func (p *part) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
	if p.users > 0 {
		return
	}
	p.file.Close() // only read from: nothing can be lost
	p.file = nil
	if !p.keep {
		p.footer = nil
	}
}

// ReadAt lets a decoded footer outlive the file descriptor it was read
// through. It is called between acquire and release only.
func (p *part) ReadAt(b []byte, offset int64) (int, error) { return p.file.ReadAt(b, offset) }

// find returns the run of a lane.
func (p *part) find(key laneKey) (partRun, bool) {
	i, ok := slices.BinarySearchFunc(p.runs, key, func(r partRun, k laneKey) int { return compareLanes(r.laneKey, k) })
	if !ok {
		return partRun{}, false
	}
	return p.runs[i], true
}

// chunk returns a column of the part's only row group.
func chunk(pq *parquet.File, name string) (*parquet.FileColumnChunk, error) {
	leaf, ok := pq.Schema().Lookup(name)
	if !ok || len(pq.RowGroups()) == 0 {
		return nil, fmt.Errorf("there is no column %s", name)
	}
	c, ok := pq.RowGroups()[0].ColumnChunks()[leaf.ColumnIndex].(*parquet.FileColumnChunk)
	if !ok {
		return nil, fmt.Errorf("column %s cannot be read", name)
	}
	return c, nil
}
