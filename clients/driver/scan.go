package driver

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// scanner reads the JSON that it expects. When something else comes it fails,
// and everything after that does: then the line is not for it to read, which
// says nothing about whether it is JSON.
type scanner struct {
	line   []byte
	at     int
	failed bool
}

// word takes one word, after white space.
func (s *scanner) word(w string) bool {
	s.space()
	if s.failed || len(s.line)-s.at < len(w) || string(s.line[s.at:s.at+len(w)]) != w {
		s.failed = true
		return false
	}
	s.at += len(w)
	return true
}

// next is the byte that comes after white space, 0 when there is none.
func (s *scanner) next() byte {
	s.space()
	if s.failed || s.at == len(s.line) {
		return 0
	}
	return s.line[s.at]
}

func (s *scanner) space() {
	for s.at < len(s.line) && (s.line[s.at] == ' ' || s.line[s.at] == '\n' || s.line[s.at] == '\r' || s.line[s.at] == '\t') {
		s.at++
	}
}

func (s *scanner) atEnd() bool {
	s.space()
	return !s.failed && s.at == len(s.line)
}

// list takes an array with at least one element.
func (s *scanner) list(element func()) {
	s.word(`[`)
	for !s.failed {
		element()
		if s.next() != ',' {
			break
		}
		s.at++
	}
	s.word(`]`)
}

// object takes an object with exactly the fields that field knows, which
// returns their bits; all are the bits that there must be.
func (s *scanner) object(all uint, field func(name []byte) uint) {
	s.word(`{`)
	seen := uint(0)
	for !s.failed {
		name := s.text()
		s.word(`:`)
		if s.failed {
			return
		}
		bit := field(name)
		if bit == 0 || seen&bit != 0 {
			s.failed = true // unknown, or there twice
		}
		seen |= bit
		if s.next() != ',' {
			break
		}
		s.at++
	}
	if s.word(`}`); seen&all != all {
		s.failed = true
	}
}

// text takes a string without escapes.
func (s *scanner) text() []byte {
	if !s.word(`"`) {
		return nil
	}
	end := bytes.IndexByte(s.line[s.at:], '"')
	if end < 0 {
		s.failed = true
		return nil
	}
	text := s.line[s.at : s.at+end]
	for _, c := range text {
		if c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			s.failed = true
			return nil
		}
	}
	s.at += end + 1
	return text
}

// number takes a whole number.
func (s *scanner) number(bits int) int64 {
	s.space()
	from := s.at
	for s.at < len(s.line) && (s.line[s.at] == '-' || s.line[s.at] >= '0' && s.line[s.at] <= '9') {
		s.at++
	}
	digits := s.line[from:s.at]
	n, err := strconv.ParseInt(string(digits), 10, bits)
	// JSON has no leading zeros and no -0.
	if err != nil || len(digits) > 1 && (digits[0] == '0' || digits[0] == '-' && digits[1] == '0') {
		s.failed = true
	}
	return n
}

func (s *scanner) record(r *Record) {
	const id, topic, partition, key, value = 1, 2, 4, 8, 16
	s.object(id|topic|partition|value, func(name []byte) uint {
		switch string(name) {
		case "id":
			r.ID = s.number(64)
			return id
		case "topic":
			r.Topic = string(s.text())
			return topic
		case "partition":
			r.Partition = int32(s.number(32))
			return partition
		case "key":
			r.Key = string(s.text())
			return key
		case "value":
			r.Value = string(s.text())
			return value
		}
		return 0
	})
}

func (s *scanner) acked(a *Acked) {
	const id, partition, offset = 1, 2, 4
	s.object(id|partition|offset, func(name []byte) uint {
		switch string(name) {
		case "id":
			a.ID = s.number(64)
			return id
		case "partition":
			a.Partition = int32(s.number(32))
			return partition
		case "offset":
			a.Offset = s.number(64)
			return offset
		}
		return 0
	})
}
