package history

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
)

// The text form of a record's value, one line of printable ASCII, fields
// separated by one space:
//
//	idem1 RUN PROCESS TOPIC PARTITION NUMBER PADDING CRC
//
// RUN is 8 hex digits; PROCESS, PARTITION and NUMBER are decimal; PADDING is
// zero or more dots that bring the value to the asked size; CRC is the
// CRC-32C (Castagnoli) of every byte before it, 8 lower-case hex digits.

// recordMagic opens every value; its digit is the version of the form.
const recordMagic = "idem1 "

// crcLength is the length of the CRC field.
const crcLength = 8

// dots is padding, appended by the stretch.
const dots = "................................................................"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Errors of ParseValue.
var (
	// ErrForeign: the value is not in our form.
	ErrForeign = errors.New("not a record of idemcheck")
	// ErrCorrupt: the value begins like ours, but is damaged.
	ErrCorrupt = errors.New("record is damaged")
)

// Identity names one record for ever.
type Identity struct {
	Run       string // 8 hex digits
	Process   int32
	Topic     string
	Partition int32
	Number    int64
}

// String returns "process 1, topic/0, number 17".
func (id Identity) String() string {
	return fmt.Sprintf("process %d, %s/%d, number %d", id.Process, id.Topic, id.Partition, id.Number)
}

// AppendValue appends the value of a record to dst. The value is size bytes
// long, or as long as the identity needs if that is more.
func AppendValue(dst []byte, id Identity, size int) []byte {
	start := len(dst)
	dst = append(dst, recordMagic...)
	dst = append(dst, id.Run...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(id.Process), 10)
	dst = append(dst, ' ')
	dst = append(dst, id.Topic...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(id.Partition), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, id.Number, 10)
	dst = append(dst, ' ')
	for pad := size - (len(dst) - start) - 1 - crcLength; pad > 0; {
		some := min(pad, len(dots))
		dst = append(dst, dots[:some]...)
		pad -= some
	}
	dst = append(dst, ' ')
	return appendCRC(dst, crc32.Checksum(dst[start:], castagnoli))
}

func appendCRC(dst []byte, crc uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[crc>>shift&0xf])
	}
	return dst
}

// ParseValue reads an identity back from a value and checks its CRC. The
// error is ErrForeign or ErrCorrupt.
func ParseValue(value []byte) (Identity, error) {
	if !bytes.HasPrefix(value, []byte(recordMagic)) {
		return Identity{}, ErrForeign
	}
	id, ok := ParseIdentity(value)
	if !ok || len(value) < crcLength {
		return Identity{}, ErrCorrupt
	}
	body, tail := value[:len(value)-crcLength], value[len(value)-crcLength:]
	if !bytes.Equal(appendCRC(make([]byte, 0, crcLength), crc32.Checksum(body, castagnoli)), tail) {
		return Identity{}, ErrCorrupt
	}
	return id, nil
}

// ParseIdentity reads the identity without checking the CRC: for the wire
// journal, where speed counts and the log is judged later anyway.
func ParseIdentity(value []byte) (Identity, bool) {
	rest, ok := bytes.CutPrefix(value, []byte(recordMagic))
	if !ok {
		return Identity{}, false
	}
	var fields [5][]byte
	for i := range fields {
		end := bytes.IndexByte(rest, ' ')
		if end <= 0 {
			return Identity{}, false
		}
		fields[i], rest = rest[:end], rest[end+1:]
	}
	process, ok1 := parseDecimal(fields[1])
	partition, ok2 := parseDecimal(fields[3])
	number, ok3 := parseDecimal(fields[4])
	if !ok1 || !ok2 || !ok3 || process > 1<<31-1 || partition > 1<<31-1 {
		return Identity{}, false
	}
	return Identity{
		Run: string(fields[0]), Process: int32(process), Topic: string(fields[2]),
		Partition: int32(partition), Number: number,
	}, true
}

// parseDecimal reads a canonical, non-negative decimal of at most 18 digits.
func parseDecimal(text []byte) (int64, bool) {
	if len(text) == 0 || len(text) > 18 || (text[0] == '0' && len(text) > 1) {
		return 0, false
	}
	var n int64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// AppendMessage appends the key of a record that carries a message: its number,
// in decimal.
func AppendMessage(dst []byte, message int64) []byte { return strconv.AppendInt(dst, message, 10) }

// ParseMessage reads the number of the message that a record carries; 0 when
// its key is none.
func ParseMessage(key []byte) int64 {
	message, _ := parseDecimal(key)
	return message
}
