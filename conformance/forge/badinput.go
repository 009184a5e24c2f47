package forge

import (
	"encoding/binary"
	"errors"
	"io"
)

// errHungUp is why a connection ends that a break closes.
var errHungUp = errors.New("a break closed the connection")

// The breaks of the protocol itself, each in place of an answer to Produce.
var (
	ClosesConnections = Break{
		Name: "closes-connections", How: "the connection is closed in place of an answer",
		write: func(io.Writer, []byte) error { return errHungUp },
	}
	AnswersGarbage = Break{
		Name: "answers-garbage", How: "behind a sound header comes garbage",
		write: func(to io.Writer, frame []byte) error {
			for i := 5; i < len(frame); i++ {
				frame[i] = byte(0xff - 37*i)
			}
			return writeFrame(to, frame)
		},
	}
	AnswersAnotherProtocol = Break{
		Name: "answers-another-protocol", How: "what comes back is HTTP",
		write: func(to io.Writer, _ []byte) error {
			_, err := io.WriteString(to, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return err
		},
	}
	CutsAnswers = Break{
		Name: "cuts-answers", How: "the connection is closed within an answer",
		write: func(to io.Writer, frame []byte) error {
			whole := binary.BigEndian.AppendUint32(nil, uint32(len(frame)))
			if _, err := to.Write(append(whole, frame[:len(frame)/2]...)); err != nil {
				return err
			}
			return errHungUp
		},
	}
	AnswersAnother = Break{
		Name: "answers-another", How: "the answer's correlation id is that of another request",
		write: func(to io.Writer, frame []byte) error {
			binary.BigEndian.PutUint32(frame, binary.BigEndian.Uint32(frame)+1)
			return writeFrame(to, frame)
		},
	}
	NeverAnswers = Break{
		Name: "never-answers", How: "the connection stays open, and no answer comes",
		write: func(io.Writer, []byte) error { return nil },
	}
)
