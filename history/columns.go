package history

import (
	"slices"

	"github.com/parquet-go/parquet-go"
)

// column is one column of a part file, for rows of type R: how it is named and
// stored, and how a value moves between a row and the file.
type column[R any] struct {
	name string
	node parquet.Node
	// put writes a value for each row to to, which is as long as rows. It takes
	// many rows at once because a call for each would cost more than the rest.
	put func(to []parquet.Value, rows []R)
	// filler returns a reader of the column in one part, which stores what it
	// reads in rows.
	filler func() filler[R]
	// added: files written before there was this column are without it, and read
	// as if all its values were zero.
	added bool
}

// added is a column that older files do not have.
func added[R any](c column[R]) column[R] {
	c.added = true
	return c
}

// The node constructors. Integers are delta-encoded: identities, times and
// offsets rise, and take a byte or less a row. Words and names repeat, and are
// dictionary-encoded. Nothing is compressed on top: it saves little after that
// and costs time on the judging path.

func int64Node() parquet.Node {
	return parquet.Encoded(parquet.Leaf(parquet.Int64Type), &parquet.DeltaBinaryPacked)
}

func int32Node() parquet.Node {
	return parquet.Encoded(parquet.Leaf(parquet.Int32Type), &parquet.DeltaBinaryPacked)
}

func textNode() parquet.Node {
	return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
}

// int64Column stores any of Go's integers as a plain 64-bit one.
func int64Column[R any, I ~int64 | ~uint32](name string, field func(*R) *I) column[R] {
	return column[R]{
		name: name, node: int64Node(),
		put: func(to []parquet.Value, rows []R) {
			for i := range rows {
				to[i] = parquet.Int64Value(int64(*field(&rows[i])))
			}
		},
		filler: func() filler[R] { return &int64Filler[R, I]{field: field} },
	}
}

// nullableColumn stores one value of an int64, the one that says "none", as NULL.
func nullableColumn[R any](name string, none int64, field func(*R) *int64) column[R] {
	return column[R]{
		name: name, node: parquet.Optional(int64Node()),
		put: func(to []parquet.Value, rows []R) {
			for i := range rows {
				if v := *field(&rows[i]); v != none {
					to[i] = parquet.Int64Value(v).Level(0, 1, 0)
				} else {
					to[i] = parquet.NullValue()
				}
			}
		},
		filler: func() filler[R] { return &int64Filler[R, int64]{int64Reader: int64Reader{none: none}, field: field} },
	}
}

// int32Column stores any small integer as a plain 32-bit one.
func int32Column[R any, I ~int16 | ~int32](name string, field func(*R) *I) column[R] {
	return column[R]{
		name: name, node: int32Node(),
		put: func(to []parquet.Value, rows []R) {
			for i := range rows {
				to[i] = parquet.Int32Value(int32(*field(&rows[i])))
			}
		},
		filler: func() filler[R] { return &int32Filler[R, I]{field: field} },
	}
}

// textColumn stores a string. It keeps the strings it has met, so that a
// million equal names are one string in memory.
func textColumn[R any](name string, field func(*R) *string) column[R] {
	values := make(map[string]parquet.Value)
	var last string
	lastValue := parquet.ByteArrayValue(nil)
	valueOf := func(text string) parquet.Value {
		v, ok := values[text]
		if !ok {
			if len(values) >= mostTexts {
				clear(values)
			}
			v = parquet.ByteArrayValue([]byte(text))
			values[text] = v
		}
		return v
	}
	known := make(map[string]string)
	return column[R]{
		name: name, node: textNode(),
		put: func(to []parquet.Value, rows []R) {
			for i := range rows {
				if text := *field(&rows[i]); text != last {
					last, lastValue = text, valueOf(text)
				}
				to[i] = lastValue
			}
		},
		filler: func() filler[R] { return &textFiller[R]{textReader: textReader{known: known}, field: field} },
	}
}

// mostTexts bounds how many different strings a column keeps at hand.
const mostTexts = 4096

// wordColumn stores one of a closed set as its word. words is indexed by the
// set's value; an empty word is no member. Reading an unknown word is an error.
func wordColumn[R any, E ~uint8](name string, words []string, field func(*R) *E) column[R] {
	values := make([]parquet.Value, len(words))
	for i, word := range words {
		values[i] = parquet.ByteArrayValue([]byte(word))
	}
	return column[R]{
		name: name, node: textNode(),
		put: func(to []parquet.Value, rows []R) {
			for i := range rows {
				to[i] = values[*field(&rows[i])]
			}
		},
		filler: func() filler[R] { return &wordFiller[R, E]{wordReader: wordReader[E]{words: words}, field: field} },
	}
}

// wordIndex finds a word, or returns len(words).
func wordIndex(words []string, word []byte) int {
	for i, w := range words {
		if w == string(word) && w != "" {
			return i
		}
	}
	return len(words)
}

// wordsOf lists the words of a closed set, indexed by value, for the members
// from first to last.
func wordsOf[E interface {
	~uint8
	String() string
}](first, last E) []string {
	words := make([]string, int(last)+1)
	for e := first; e <= last; e++ {
		words[e] = e.String()
	}
	return words
}

// schemaOf builds the Parquet schema of a table, columns in the order given.
func schemaOf[R any](name string, columns []column[R]) *parquet.Schema {
	group := orderedGroup{Group: parquet.Group{}}
	for _, c := range columns {
		group.Group[c.name] = c.node
		group.names = append(group.names, c.name)
	}
	return parquet.NewSchema(name, group)
}

// orderedGroup is a parquet.Group whose fields keep the order of names; the
// library's own sorts them by the alphabet.
type orderedGroup struct {
	parquet.Group
	names []string
}

// Fields implements parquet.Node.
func (g orderedGroup) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(g.names, a.Name()) - slices.Index(g.names, b.Name())
	})
	return fields
}
