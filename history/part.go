package history

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// A part file is one Parquet file with one row group. Its pages hold at most
// pageRows (wirePageRows) rows, in all columns the same ones, and begin anew with a lane once
// they hold smallPage rows, so that a lane is read without decoding much of
// its neighbours.
const (
	pageRows  = 4096
	smallPage = 512
	// wirePageRows is for the wire journal, which is only ever read from end to
	// end: the work that each page of each of its many columns makes is saved.
	wirePageRows = 16384
)

// Keys of a part's key-value metadata.
const (
	runsKey   = "idemcheck.runs"   // JSON: []partRun
	schemaKey = "idemcheck.schema" // decimal: Schema
)

// tempSuffix marks a file that is still being written.
const tempSuffix = ".tmp"

// laneKey names the rows that belong together in a part: for ops a process in
// a partition, for the log a partition (Process is 0), for the wire everything.
type laneKey struct {
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	Process   int32  `json:"process"`
}

func compareLanes(a, b laneKey) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Process, b.Process))
}

// partRun says where the rows of one lane stand in a part, and from which to
// which number, offset or time they go.
type partRun struct {
	laneKey
	Row   int64 `json:"row"`
	Rows  int64 `json:"rows"`
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Dense: each row's number or offset is one above the one before, so it
	// follows from the row's place.
	Dense bool `json:"dense,omitempty"`
}

// laneRows are the rows of one lane, in order. They come in chunks, so that a
// lane grows without moving what it has.
type laneRows[R any] struct {
	key    laneKey
	chunks [][]R // none is empty
}

// count is how many rows there are.
func (l *laneRows[R]) count() (n int) {
	for _, chunk := range l.chunks {
		n += len(chunk)
	}
	return n
}

// first and last are the ends of a lane that holds rows.
func (l *laneRows[R]) first() *R { return &l.chunks[0][0] }

func (l *laneRows[R]) last() *R {
	chunk := l.chunks[len(l.chunks)-1]
	return &chunk[len(chunk)-1]
}

// partName is the name of the seq-th part (from 1) of a table.
func partName(table string, seq int) string { return fmt.Sprintf("%s-%05d.parquet", table, seq) }

// writePart writes lanes, which are sorted, to a part file in dir: under a
// temporary name first, which is renamed when everything is on disk.
func writePart[R any](dir, table string, seq int, lanes []laneRows[R], columns []column[R], order func(*R) int64) (File, error) {
	name := partName(table, seq)
	path := filepath.Join(dir, name)
	file, err := os.OpenFile(path+tempSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return File{}, fmt.Errorf("write part file: %w", err)
	}
	defer file.Close() // for the early returns; the second Close is harmless
	sum := &summer{to: file, hash: sha256.New()}
	buffered := bufio.NewWriterSize(sum, 1<<18)
	rows, err := encodePart(buffered, table, lanes, columns, order)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return File{}, fmt.Errorf("write part file %s: %w", path+tempSuffix, err)
	}
	if err := file.Sync(); err != nil {
		return File{}, fmt.Errorf("write part file: %w", err)
	}
	if err := file.Close(); err != nil {
		return File{}, fmt.Errorf("write part file: %w", err)
	}
	if err := os.Rename(path+tempSuffix, path); err != nil {
		return File{}, fmt.Errorf("finish part file: %w", err)
	}
	return File{Name: name, Rows: rows, Bytes: sum.bytes, SHA256: hex.EncodeToString(sum.hash.Sum(nil))}, nil
}

// summer counts and hashes what passes.
type summer struct {
	to   io.Writer
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	bytes int64
}

func (s *summer) Write(b []byte) (int, error) {
	n, err := s.to.Write(b)
	_, _ = s.hash.Write(b[:n])
	s.bytes += int64(n)
	return n, err
}

// encodePart writes the Parquet file.
func encodePart[R any](to io.Writer, table string, lanes []laneRows[R], columns []column[R], order func(*R) int64) (int64, error) {
	w := parquet.NewWriter(to, schemaOf(table, columns),
		parquet.PageBufferSize(1<<19), // never filled: pages are ended below, by rows
		parquet.WriteBufferSize(0),
		parquet.DataPageStatistics(false), // the column index has them; in page headers they cost reading time
		parquet.CreatedBy("idemcheck", strconv.Itoa(Schema), ""),
	)
	writers := w.ColumnWriters()
	runs := make([]partRun, 0, len(lanes))
	most := pageRows
	if table == wireTable {
		most = wirePageRows
	}
	values := make([]parquet.Value, most)
	var row int64
	page := 0
	put := func(rows []R) error {
		for i, c := range columns {
			c.put(values[:len(rows)], rows)
			if _, err := writers[i].WriteRowValues(values[:len(rows)]); err != nil {
				return err
			}
		}
		page += len(rows)
		return nil
	}
	endPage := func() error {
		page = 0
		for _, c := range writers {
			if err := c.Flush(); err != nil {
				return err
			}
		}
		return nil
	}
	for _, lane := range lanes {
		left := lane.count()
		runs = append(runs, partRun{
			laneKey: lane.key, Row: row, Rows: int64(left),
			First: order(lane.first()), Last: order(lane.last()), Dense: dense(lane.chunks, order),
		})
		row += int64(left)
		for _, rest := range lane.chunks {
			for len(rest) > 0 {
				n := min(len(rest), most-page)
				if err := put(rest[:n]); err != nil {
					return 0, err
				}
				rest = rest[n:]
				left -= n
				if page == most || (left == 0 && page >= smallPage) {
					if err := endPage(); err != nil {
						return 0, err
					}
				}
			}
		}
	}
	runTable, err := json.Marshal(runs)
	if err != nil {
		return 0, err
	}
	w.SetKeyValueMetadata(runsKey, string(runTable))
	w.SetKeyValueMetadata(schemaKey, strconv.Itoa(Schema))
	return row, w.Close()
}

func dense[R any](chunks [][]R, order func(*R) int64) bool {
	next := order(&chunks[0][0])
	for _, rows := range chunks {
		for i := range rows {
			if order(&rows[i]) != next {
				return false
			}
			next++
		}
	}
	return true
}
