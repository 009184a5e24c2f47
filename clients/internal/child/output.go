package child

import (
	"io"
	"os"
	"time"
)

const (
	// afterExit is how long nothing may come from a pipe of a child that has
	// ended before the pipe counts as empty: what it wrote before is in there,
	// and a process that left its group may hold the other end open.
	afterExit = time.Second
	// mostInPipe is how much that can be (pipe(7): the most that anybody may
	// raise a pipe's capacity to).
	mostInPipe = 1 << 20
)

// Output is a child's standard output. It ends when the child has ended and
// what it wrote before was read, however late that is.
type Output struct {
	pipe *os.File
	over <-chan struct{}
	left int // what may be read after the child's end
}

// Read implements io.Reader.
func (o *Output) Read(p []byte) (int, error) {
	select {
	case <-o.over:
		if o.left == 0 {
			return 0, io.EOF
		}
		p = p[:min(len(p), o.left)]
		_ = o.pipe.SetReadDeadline(time.Now().Add(afterExit)) // Read fails as well if this does
		n, err := o.pipe.Read(p)
		o.left -= n
		return n, err
	default:
		return o.pipe.Read(p)
	}
}

// Close closes the reader's end: the child's next write fails.
func (o *Output) Close() error { return o.pipe.Close() }
