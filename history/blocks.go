package history

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// The judging path reads columns, not rows: a page at a time, as slices of
// plain integers that belong to the page until the next one is read.

// chunkReader reads the pages of one column of one part.
type chunkReader struct {
	name  string
	pages *parquet.FilePages
	page  parquet.Page
}

func openChunk(pq *parquet.File, name string, row int64) (r chunkReader, err error) {
	return r, r.open(pq, name, row)
}

// open begins a column at a row.
func (r *chunkReader) open(pq *parquet.File, name string, row int64) error {
	c, err := chunk(pq, name)
	if err != nil {
		return err
	}
	r.name, r.pages = name, c.PagesFrom(c.File())
	if err := r.pages.SeekToRow(row); err != nil {
		r.close()
		return fmt.Errorf("column %s: seek to row %d: %w", name, row, err)
	}
	return nil
}

// next reads the next page; the one before must not be used any more.
func (r *chunkReader) next() (page parquet.Page, err error) {
	defer recoverDamage(&err)
	r.drop()
	for {
		page, err = r.pages.ReadPage()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the run table promised more rows
			}
			return nil, fmt.Errorf("column %s: %w", r.name, err)
		}
		r.page = page
		if page.NumRows() > 0 {
			return page, nil
		}
		r.drop()
	}
}

func (r *chunkReader) drop() {
	if r.page != nil {
		parquet.Release(r.page)
		r.page = nil
	}
}

func (r *chunkReader) close() {
	r.drop()
	if r.pages != nil {
		r.pages.Close()
		r.pages = nil
	}
}

// recoverDamage turns a panic of the Parquet library into an error: it checks
// less than everything of what a file says about itself.
func recoverDamage(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("its bytes make no sense: %v", cause)
	}
}

// int64Reader reads a column of 64-bit integers.
type int64Reader struct {
	chunkReader
	none   int64   // stands for NULL
	have   []int64 // read and not yet taken
	filled []int64 // backs have when NULLs had to be filled in
}

func (r *int64Reader) available() (n int, err error) {
	if len(r.have) > 0 {
		return len(r.have), nil
	}
	page, err := r.next()
	if err != nil {
		return 0, err
	}
	defer recoverDamage(&err)
	data := page.Data()
	r.have = data.Int64()
	levels := page.DefinitionLevels()
	if len(levels) <= len(r.have) {
		return len(r.have), nil
	}
	r.filled = r.filled[:0]
	at := 0
	for _, level := range levels {
		v := r.none
		if level > 0 {
			v = r.have[at]
			at++
		}
		r.filled = append(r.filled, v)
	}
	r.have = r.filled
	return len(r.have), nil
}

func (r *int64Reader) reset() {
	r.close()
	r.have = nil
}

func (r *int64Reader) take(n int) []int64 {
	taken := r.have[:n:n]
	r.have = r.have[n:]
	return taken
}

// int32Reader reads a column of 32-bit integers.
type int32Reader struct {
	chunkReader
	have []int32
}

func (r *int32Reader) available() (n int, err error) {
	if len(r.have) > 0 {
		return len(r.have), nil
	}
	page, err := r.next()
	if err != nil {
		return 0, err
	}
	defer recoverDamage(&err)
	data := page.Data()
	r.have = data.Int32()
	return len(r.have), nil
}

func (r *int32Reader) reset() {
	r.close()
	r.have = nil
}

func (r *int32Reader) take(n int) []int32 {
	taken := r.have[:n:n]
	r.have = r.have[n:]
	return taken
}

// wordReader reads a column of words of a closed set: by their place in the
// dictionary, so that a word is compared once a part and not once a row.
type wordReader[E ~uint8] struct {
	chunkReader
	words   []string // indexed by value
	meaning []E      // by place in the dictionary
	have    []E
	filled  []E
}

func (r *wordReader[E]) available() (n int, err error) {
	if len(r.have) > 0 {
		return len(r.have), nil
	}
	page, err := r.next()
	if err != nil {
		return 0, err
	}
	defer recoverDamage(&err)
	if r.meaning == nil {
		if err := r.learn(page.Dictionary()); err != nil {
			return 0, fmt.Errorf("column %s: %w", r.name, err)
		}
	}
	data := page.Data()
	places := data.Int32()
	if cap(r.filled) < len(places) {
		r.filled = make([]E, len(places))
	}
	r.have = r.filled[:len(places)]
	for i, place := range places {
		r.have[i] = r.meaning[place]
	}
	return len(r.have), nil
}

// learn finds out what the places of a dictionary mean.
func (r *wordReader[E]) learn(d parquet.Dictionary) error {
	if d == nil {
		return errNoDictionary
	}
	for i := range d.Len() {
		word := d.Index(int32(i)).ByteArray()
		value := wordIndex(r.words, word)
		if value == len(r.words) {
			return fmt.Errorf("unknown word %q", word)
		}
		r.meaning = append(r.meaning, E(value))
	}
	return nil
}

func (r *wordReader[E]) reset() {
	r.close()
	r.have, r.meaning = nil, nil // another part has another dictionary
}

func (r *wordReader[E]) take(n int) []E {
	taken := r.have[:n:n]
	r.have = r.have[n:]
	return taken
}
