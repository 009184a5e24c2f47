package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// The test binary is its own driver: started with one of these words it does
// what a driver, or a broken one, would do.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "driver" {
		os.Exit(play(os.Args[2]))
	}
	if len(os.Args) > 2 && os.Args[1] == "harness" {
		harness(os.Args[2])
	}
	os.Exit(m.Run())
}

func program(how string) []string { return []string{os.Args[0], "driver", how} }

func play(how string) int {
	switch how {
	case "good", "lazy":
		fmt.Fprintln(os.Stderr, "here I am")
		if err := Serve(memory{lazy: how == "lazy"}, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
		return 0
	case "mute":
		time.Sleep(time.Hour)
	case "old":
		fmt.Println(`{"event":"ready","protocol":7,"library":"x","order":{}}`)
		time.Sleep(time.Hour)
	case "crash-at-once":
		fmt.Fprintln(os.Stderr, "cannot find libkafka")
		return 7
	case "with-a-child":
		child := exec.Command("sleep", "1000")
		child.Stdout = os.Stdout // it holds the pipe open
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stderr, "child", child.Process.Pid)
	}
	in := bufio.NewReader(os.Stdin)
	_, _ = in.ReadString('\n')
	fmt.Println(`{"event":"ready","protocol":1,"library":"broken","version":"1","order":{"promised":false,"why":"no"},"deadline_ms":1000}`)
	for n := 1; ; n++ {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0
		}
		if strings.Contains(line, `"close"`) && how != "deaf" {
			fmt.Println(`{"event":"closed"}`)
			return 0
		}
		switch how {
		case "crash":
			fmt.Fprintln(os.Stderr, "first\npanic: out of memory")
			return 2
		case "garbage":
			fmt.Println("WARNING: no native library found")
		case "unknown-event":
			fmt.Println(`{"event":"hello"}`)
		case "ack-of-nothing":
			fmt.Println(`{"event":"ack","acks":[{"id":99,"partition":0,"offset":1}]}`)
		case "ack-twice":
			fmt.Printf(`{"event":"ack","acks":[{"id":%d,"partition":0,"offset":1},{"id":%d,"partition":0,"offset":1}]}`+"\n", n, n)
		case "other-partition":
			fmt.Printf(`{"event":"ack","acks":[{"id":%d,"partition":3,"offset":1}]}`+"\n", n)
		case "cut-line":
			fmt.Print(`{"event":"ack","acks":[{"id":1,`)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
}

// memory is a library whose broker is its own memory.
type memory struct{ lazy bool }

func (l memory) Open(_ context.Context, bootstrap []string, o clients.Options) (clients.Producer, error) {
	if o.Acks == "impossible" {
		return nil, fmt.Errorf("acks %q at %v: no such thing", o.Acks, bootstrap)
	}
	return &remembering{memory: l, next: map[int32]int64{}}, nil
}

type remembering struct {
	memory
	mu      sync.Mutex
	next    map[int32]int64
	waiting []func(clients.Result)
	inTxn   bool
}

func (*remembering) Info() clients.Info {
	return clients.Info{Library: "memory", Version: "1.2", OrderPromised: true, OrderWhy: "one list", Deadline: 1500 * time.Millisecond}
}

func (p *remembering) Send(_ context.Context, r clients.Record, done func(clients.Result)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.lazy:
		p.waiting = append(p.waiting, done)
	case strings.HasPrefix(string(r.Value), "refuse"):
		done(clients.Result{Outcome: history.Failed, Offset: history.NoOffset, Error: "too large", Class: "MESSAGE_TOO_LARGE", Code: 10})
	case strings.HasPrefix(string(r.Value), "lose"):
		done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: "who knows", Class: "REQUEST_TIMED_OUT", Code: 7, Retriable: true})
	default:
		done(clients.Result{Outcome: history.Acked, Offset: p.next[r.Partition]})
		p.next[r.Partition]++
	}
}

func (p *remembering) Flush(context.Context) error { return nil }

func (p *remembering) Begin(context.Context) error {
	if p.inTxn {
		return fmt.Errorf("in a transaction already")
	}
	p.inTxn = true
	return nil
}

func (p *remembering) Commit(context.Context) error {
	return fmt.Errorf("end it: %w", clients.ErrFenced)
}
func (p *remembering) Abort(context.Context) error { p.inTxn = false; return nil }

func (p *remembering) Close(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, done := range p.waiting {
		done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: "closed"})
	}
	return nil
}
