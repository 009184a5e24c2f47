package driver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Lines are written and read by encoding/json, but for those that there is one
// of for each record: a send command, and an ack event. There encoding/json
// takes most of the time that the protocol costs (BenchmarkProtocol in
// clients/process), so they are written by hand, and read by a scanner that
// leaves whatever it does not expect to encoding/json.

// AppendCommand appends a command as it stands in a line, without a line feed.
func AppendCommand(to []byte, c Command) []byte {
	if c.Command != Send || c.ID != 0 || len(c.Records) == 0 || c.Options != nil || c.Protocol != 0 || len(c.Bootstrap) != 0 {
		return appendJSON(to, c)
	}
	to = append(to, `{"command":"send","records":[`...)
	for i, r := range c.Records {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, `{"id":`...)
		to = strconv.AppendInt(to, r.ID, 10)
		to = append(to, `,"topic":`...)
		to = appendString(to, r.Topic)
		to = append(to, `,"partition":`...)
		to = strconv.AppendInt(to, int64(r.Partition), 10)
		if r.Key != "" {
			to = append(to, `,"key":`...)
			to = appendString(to, r.Key)
		}
		to = append(to, `,"value":`...)
		to = appendString(to, r.Value)
		to = append(to, '}')
	}
	return append(to, `]}`...)
}

// AppendEvent appends an event as it stands in a line, without a line feed.
func AppendEvent(to []byte, ev Event) []byte {
	if ev.Event != Ack {
		return appendJSON(to, ev)
	}
	to = append(to, `{"event":"ack","acks":[`...)
	for i, a := range ev.Acks {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, `{"id":`...)
		to = strconv.AppendInt(to, a.ID, 10)
		to = append(to, `,"partition":`...)
		to = strconv.AppendInt(to, int64(a.Partition), 10)
		to = append(to, `,"offset":`...)
		to = strconv.AppendInt(to, a.Offset, 10)
		to = append(to, '}')
	}
	return append(to, `]}`...)
}

func appendJSON(to []byte, message any) []byte {
	text, err := json.Marshal(message)
	if err != nil {
		panic("driver: a message cannot be written down: " + err.Error())
	}
	return append(to, text...)
}

func appendString(to []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return appendJSON(to, s)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}

// ParseCommand reads a line of a driver's standard input.
func ParseCommand(line []byte) (Command, error) {
	s := scanner{line: line}
	if s.word(`{`) && s.word(`"command"`) && s.word(`:`) && s.word(`"send"`) && s.word(`,`) && s.word(`"records"`) && s.word(`:`) {
		c := Command{Command: Send}
		s.list(func() {
			c.Records = append(c.Records, Record{})
			s.record(&c.Records[len(c.Records)-1])
		})
		if s.word(`}`) && s.atEnd() {
			return c, nil
		}
	}
	var c Command
	err := json.Unmarshal(line, &c)
	return c, err
}

// ParseEvent reads a line of a driver's standard output. An acknowledgement
// that lacks one of its fields is an error: what is missing would pass for 0.
func ParseEvent(line []byte) (Event, error) {
	s := scanner{line: line}
	if s.word(`{`) && s.word(`"event"`) && s.word(`:`) && s.word(`"ack"`) && s.word(`,`) && s.word(`"acks"`) && s.word(`:`) {
		ev := Event{Event: Ack}
		s.list(func() {
			ev.Acks = append(ev.Acks, Acked{})
			s.acked(&ev.Acks[len(ev.Acks)-1])
		})
		if s.word(`}`) && s.atEnd() {
			return ev, nil
		}
	}
	var ev Event
	if err := json.Unmarshal(line, &ev); err != nil {
		return Event{}, err
	}
	if ev.Event == "" {
		return Event{}, errors.New("it has no field event")
	}
	return ev, whole(ev, line)
}

// whole looks for fields that an acknowledgement lacks.
func whole(ev Event, line []byte) error {
	if len(ev.Acks) == 0 {
		return nil
	}
	var there struct {
		Acks []struct {
			ID        *int64 `json:"id"`
			Partition *int32 `json:"partition"`
			Offset    *int64 `json:"offset"`
		} `json:"acks"`
	}
	if err := json.Unmarshal(line, &there); err != nil {
		return err
	}
	for _, a := range there.Acks {
		switch {
		case a.ID == nil:
			return errors.New("an ack has no id")
		case a.Partition == nil:
			return fmt.Errorf("the ack of %d has no partition", *a.ID)
		case a.Offset == nil:
			return fmt.Errorf("the ack of %d has no offset (-1 is one that the library does not tell)", *a.ID)
		}
	}
	return nil
}

// ReadLine returns the next line of r with its line feed, valid until the next
// read.
func ReadLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := append([]byte(nil), line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.ReadSlice('\n')
		long = append(long, line...)
	}
	return long, err
}
