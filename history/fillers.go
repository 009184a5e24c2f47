package history

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// filler reads one column of one part into rows. Every column of a row type is
// read by its own, so that the loop over the rows is inside and moves plain
// integers: a call for each value of each row would cost more than all else.
type filler[R any] interface {
	open(pq *parquet.File, name string, row int64) error
	// available returns how many values can be had without another page, and
	// reads one when there are none.
	available() (int, error)
	// fill stores the next values in rows, which are no more than available.
	fill(rows []R)
	close()
}

// int64Filler fills in any of Go's integers from a 64-bit column.
type int64Filler[R any, I ~int64 | ~uint32] struct {
	int64Reader
	field func(*R) *I
}

func (f *int64Filler[R, I]) fill(rows []R) {
	store(rows, f.field, f.take(len(rows)))
}

// int32Filler fills in any small integer from a 32-bit column.
type int32Filler[R any, I ~int16 | ~int32] struct {
	int32Reader
	field func(*R) *I
}

func (f *int32Filler[R, I]) fill(rows []R) {
	store(rows, f.field, f.take(len(rows)))
}

// store stores values in one field of every row.
func store[R any, I, V ~int16 | ~int32 | ~int64 | ~uint32](rows []R, field func(*R) *I, values []V) {
	for i, v := range values[:len(rows)] {
		*field(&rows[i]) = I(v)
	}
}

// wordFiller fills in one of a closed set.
type wordFiller[R any, E ~uint8] struct {
	wordReader[E]
	field func(*R) *E
}

func (f *wordFiller[R, E]) fill(rows []R) {
	for i, v := range f.take(len(rows)) {
		*f.field(&rows[i]) = v
	}
}

// textFiller fills in a string.
type textFiller[R any] struct {
	textReader
	field func(*R) *string
}

func (f *textFiller[R]) fill(rows []R) {
	places := f.have[:len(rows)]
	f.have = f.have[len(rows):]
	last, text := int32(-1), ""
	for i, place := range places {
		if place != last {
			last, text = place, f.text(place)
		}
		*f.field(&rows[i]) = text
	}
}

// textReader reads a column of strings by their place in the part's
// dictionary, so that a string is made once a part and not once a row.
type textReader struct {
	chunkReader
	known map[string]string // strings met in earlier parts: a million equal names are one string in memory
	words parquet.Dictionary
	texts []knownText // by place in the dictionary
	have  []int32     // places read and not yet taken
}

type knownText struct {
	text string
	ok   bool // text was looked up
}

func (r *textReader) available() (n int, err error) {
	if len(r.have) > 0 {
		return len(r.have), nil
	}
	page, err := r.next()
	if err != nil {
		return 0, err
	}
	defer recoverDamage(&err)
	if r.words == nil {
		if r.words = page.Dictionary(); r.words == nil {
			return 0, fmt.Errorf("column %s: %w", r.name, errNoDictionary)
		}
		r.texts = make([]knownText, r.words.Len())
	}
	data := page.Data()
	r.have = data.Int32()
	return len(r.have), nil
}

// text returns the string at a place. It panics on a place that the dictionary
// does not have.
func (r *textReader) text(place int32) string {
	known := &r.texts[place]
	if known.ok {
		return known.text
	}
	word := r.words.Index(place).ByteArray()
	text, ok := r.known[string(word)]
	if !ok {
		if len(r.known) >= mostTexts {
			clear(r.known)
		}
		text = string(word)
		r.known[text] = text
	}
	*known = knownText{text, true}
	return text
}

// errNoDictionary: every column of strings is written with one.
var errNoDictionary = errors.New("it has no dictionary")
