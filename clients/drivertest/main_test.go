package drivertest_test

import (
	"bufio"
	"flag"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/franz"
)

// The test binary is its own driver: a good one, or one that is broken in the
// way that its argument names.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "driver" {
		os.Exit(play(os.Args[2]))
	}
	// Broken drivers are waited for more than they work.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func play(how string) int {
	if how == "good" {
		return serve(os.Stdin, os.Stdout)
	}
	for _, m := range mutants() {
		if m.name == how {
			return (&broken{mutant: m, out: bufio.NewWriter(os.Stdout)}).serve()
		}
	}
	return 2
}

func serve(in io.Reader, out io.Writer) int {
	if err := driver.Serve(franz.Library{Log: os.Stderr}, in, out); err != nil {
		return 3
	}
	return 0
}

// broken is a good driver behind somebody who changes what it is told and what
// it says.
type broken struct {
	mutant
	in io.Writer // to the good driver

	mu   sync.Mutex // guards what follows
	out  *bufio.Writer
	sent map[int64]driver.Record // as idemcheck sent it
	n    int                     // for whatever a mutant counts
	kept []driver.Event          // for whatever it keeps

	last  time.Time
	later driver.Command
	hoard []string
	queue chan driver.Event
}

// tell passes a command on to the good driver.
func (b *broken) tell(commands ...driver.Command) {
	for _, c := range commands {
		_, _ = b.in.Write(append(driver.AppendCommand(nil, c), '\n'))
	}
}

// say writes events.
func (b *broken) say(events ...driver.Event) {
	for _, ev := range events {
		_, _ = b.out.Write(append(driver.AppendEvent(nil, ev), '\n'))
	}
	if err := b.out.Flush(); err != nil && b.unheard == nil {
		os.Exit(5)
	}
}

// print writes what need not be an event.
func (b *broken) print(text string) {
	_, _ = b.out.WriteString(text)
	_ = b.out.Flush()
}

func (b *broken) serve() int {
	b.sent = make(map[int64]driver.Record)
	if b.unheard != nil {
		signal.Ignore(syscall.SIGPIPE) // it would end a program in Go
	}
	in, tell := io.Pipe()
	says, out := io.Pipe()
	b.in = tell
	go b.commands(tell)
	ended, status := make(chan struct{}), 0
	go func() {
		defer close(ended)
		for r := bufio.NewReaderSize(says, 1<<20); ; {
			line, err := driver.ReadLine(r)
			if err != nil {
				return
			}
			b.heard(line)
		}
	}()
	status = serve(in, out)
	out.Close()
	<-ended
	if b.end != nil {
		return b.end(b, status)
	}
	return status
}

func (b *broken) commands(tell *io.PipeWriter) {
	for r := bufio.NewReaderSize(os.Stdin, 1<<20); ; {
		line, err := driver.ReadLine(r)
		if err != nil {
			if b.input == nil || b.input(b) {
				tell.Close()
			}
			return
		}
		c, err := driver.ParseCommand(line)
		if err != nil {
			os.Exit(6)
		}
		b.mu.Lock()
		for _, r := range c.Records {
			b.sent[r.ID] = r
		}
		if b.raw != nil {
			b.raw(b, line)
		}
		b.mu.Unlock()
		if b.command == nil || b.command(b, &c) {
			b.tell(c)
		}
	}
}

func (b *broken) heard(line []byte) {
	ev, err := driver.ParseEvent(line)
	if err != nil {
		os.Exit(7)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.event == nil || b.event(b, &ev) {
		b.say(ev)
	}
}
