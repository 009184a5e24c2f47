package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	// longestLine is the most that an event may take, its line feed included
	// (PROTOCOL.md, Events).
	longestLine = 8 << 20
	// mostShown is how much of a line an error shows.
	mostShown = 200
)

var errTooLong = errors.New("line is too long")

// lines reads a driver's output line by line, and never holds more than the
// longest allowed one.
type lines struct {
	count int // lines so far, the last one included
	from  *bufio.Reader
	long  []byte // a line that does not fit from's buffer
}

func newLines(from io.Reader) *lines { return &lines{from: bufio.NewReaderSize(from, 64<<10)} }

// next returns the next line, valid until the one after it is asked for. With
// errTooLong it returns the beginning of the line.
func (l *lines) next() ([]byte, error) {
	l.count++
	line, err := l.from.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	l.long = append(l.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) && len(l.long) <= longestLine {
		line, err = l.from.ReadSlice('\n')
		l.long = append(l.long, line...)
	}
	if len(l.long) > longestLine {
		return l.long, errTooLong
	}
	return l.long, err
}

// shown is a line in an error: readable whatever its bytes are, and short.
func shown(line []byte) string {
	line = bytes.TrimRight(line, "\r\n")
	n := min(len(line), mostShown)
	quoted := strconv.Quote(string(line[:n]))
	for ; len(quoted) > mostShown; n-- { // escapes take more
		quoted = strconv.Quote(string(line[:n-1]))
	}
	if n < len(line) {
		return fmt.Sprintf("%s and so on, %d bytes", quoted, len(line))
	}
	return quoted
}
