package proxy

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// identities reads which process the records are of, and their lowest and
// highest number; -1 throughout unless every record is ours and of one process.
// It looks at every record that passes the proxy, so it is the proxy's own cost.
func (r *batchReader) identities(records []byte, count int32) (process int32, first, last int64) {
	process, first, last = -1, -1, -1
	r.next.forget()
	for i := int32(0); i < count; i++ {
		value, n, ok := plainRecord(records)
		if !ok {
			if value, n, ok = anyRecord(records); !ok {
				return -1, -1, -1
			}
		}
		records = records[n:]
		number, ok := r.next.match(value)
		if !ok {
			p, n, at, ok := scanIdentity(value)
			if !ok || (process >= 0 && p != process) {
				return -1, -1, -1
			}
			process, number = p, n
			r.next.after(value[:at], n)
		}
		if first < 0 || number < first {
			first = number
		}
		if number > last {
			last = number
		}
	}
	return process, first, last
}

// plainRecord takes the first record apart if it is as most are: length and
// value below 8 KiB, deltas of at most three bytes, no key. n is how long the
// record is. It decodes by hand, since calls would cost more than the rest.
func plainRecord(b []byte) (value []byte, n int, ok bool) {
	const longest = 2 + 1 + 3 + 3 + 1 + 2 // of everything in front of the value
	if len(b) < longest {
		return nil, 0, false
	}
	size, at := int(b[0]), 1
	if size >= 0x80 {
		size, at = size&0x7f|int(b[1])<<7, 2
	}
	end := at + size>>1
	if size&1 != 0 || b[at-1] >= 0x80 || end > len(b) { // negative, long, cut short
		return nil, 0, false
	}
	at++          // attributes
	for range 2 { // timestamp delta, offset delta
		for most := at + 3; b[at] >= 0x80; {
			if at++; at == most {
				return nil, 0, false
			}
		}
		at++
	}
	const noKey = 1 // -1 as a varint
	if b[at] != noKey {
		return nil, 0, false
	}
	at++
	size = int(b[at])
	at++
	if size >= 0x80 {
		size = size&0x7f | int(b[at])<<7
		at++
	}
	if size&1 != 0 || b[at-1] >= 0x80 || at+size>>1 > end {
		return nil, 0, false
	}
	return b[at : at+size>>1], end, true
}

// anyRecord takes the first record apart, whatever it is like.
func anyRecord(b []byte) (value []byte, length int, ok bool) {
	size, n := binary.Varint(b)
	if n <= 0 || size < 0 || size > int64(len(b)-n) {
		return nil, 0, false
	}
	length = n + int(size)
	if b = b[n:length]; len(b) == 0 {
		return nil, 0, false
	}
	b = b[1:]     // attributes
	for range 2 { // timestamp delta, offset delta
		_, n := binary.Varint(b)
		if n <= 0 {
			return nil, 0, false
		}
		b = b[n:]
	}
	key, n := binary.Varint(b)
	if n <= 0 || key < -1 || key > int64(len(b)-n) {
		return nil, 0, false
	}
	b = b[n+max(int(key), 0):]
	size, n = binary.Varint(b)
	if n <= 0 || size < 0 || size > int64(len(b)-n) {
		return nil, 0, false
	}
	return b[n : n+int(size)], length, true
}

// expected is how the next record's value begins if it goes on where the one
// before ended, as records of a batch mostly do: then comparing is enough.
type expected struct {
	text   []byte // "idem1 RUN PROCESS TOPIC PARTITION NUMBER "
	front  int    // where NUMBER begins; 0: nothing is expected
	number int64
}

// mostNumber is the highest number that identities have: 18 digits.
const mostNumber = 999_999_999_999_999_999

func (e *expected) forget() { e.front = 0 }

// after expects the number behind number; front is what stands before it.
func (e *expected) after(front []byte, number int64) {
	e.text, e.front = append(e.text[:0], front...), len(front)
	e.set(number + 1)
}

// set expects a number.
func (e *expected) set(number int64) {
	if number > mostNumber {
		e.forget()
		return
	}
	e.number = number
	e.text = append(strconv.AppendInt(e.text[:e.front], number, 10), ' ')
}

// match returns the number in a value that differs from the one before in its
// number only.
func (e *expected) match(value []byte) (number int64, ok bool) {
	if e.front == 0 || len(value) < e.front {
		return 0, false
	}
	if bytes.HasPrefix(value, e.text) {
		number = e.number
		e.advance()
		return number, true
	}
	if !bytes.HasPrefix(value, e.text[:e.front]) {
		return 0, false
	}
	if number, ok = leadingDecimal(value[e.front:]); ok {
		e.set(number + 1)
	}
	return number, ok
}

// advance expects one number more. It counts in the text itself.
func (e *expected) advance() {
	for i := len(e.text) - 2; i >= e.front; i-- {
		if e.text[i] != '9' {
			e.text[i]++
			e.number++
			return
		}
		e.text[i] = '0'
	}
	e.set(e.number + 1)
}

var identityMagic = []byte("idem1 ")

// scanIdentity reads process and number as history.ParseIdentity does, and
// where the number begins, without making strings of the fields in between: it
// runs for many of the records on the wire. A test holds the two together.
func scanIdentity(value []byte) (process int32, number int64, at int, ok bool) {
	rest, ok := bytes.CutPrefix(value, identityMagic)
	if !ok {
		return 0, 0, 0, false
	}
	var fields [5]int64
	for i := range fields {
		end := bytes.IndexByte(rest, ' ')
		if end <= 0 {
			return 0, 0, 0, false
		}
		if i == 1 || i >= 3 { // PROCESS, PARTITION, NUMBER
			if fields[i], ok = leadingDecimal(rest[:end+1]); !ok {
				return 0, 0, 0, false
			}
		}
		at = len(value) - len(rest)
		rest = rest[end+1:]
	}
	if fields[1] > 1<<31-1 || fields[3] > 1<<31-1 {
		return 0, 0, 0, false
	}
	return int32(fields[1]), fields[4], at, true
}

// leadingDecimal reads a canonical decimal of at most 18 digits that a space
// ends.
func leadingDecimal(text []byte) (int64, bool) {
	var n int64
	for i, c := range text {
		switch {
		case c == ' ':
			return n, i > 0 && i <= 18 && (i == 1 || text[0] != '0')
		case c < '0' || c > '9' || i >= 18:
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return 0, false
}
