package process

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/clients/internal/memory"
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
		if err := driver.Serve(memory.Library{Lazy: how == "lazy"}, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
		return 0
	case "franz-go":
		if err := driver.Serve(franz.Library{Log: os.Stderr}, os.Stdin, os.Stdout); err != nil {
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
		if strings.Contains(line, `"close"`) {
			fmt.Println(`{"event":"closed"}`)
			if how == "after-closed" {
				fmt.Println(`{"event":"fatal","message":"by the way"}`)
				time.Sleep(time.Hour)
			}
			return 0
		}
		if strings.Contains(line, `"flush"`) {
			fmt.Printf(`{"event":"flushed","id":%d}`+"\n", n)
			if how == "flushed-twice" {
				fmt.Printf(`{"event":"flushed","id":%d}`+"\n", n)
			}
			if how == "done-for-a-flush" {
				fmt.Printf(`{"event":"done","id":%d}`+"\n", n)
			}
			continue
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
		case "ack-without-offset":
			fmt.Printf(`{"event":"ack","acks":[{"id":%d,"partition":0}]}`+"\n", n)
		case "flushed-for-a-record":
			fmt.Println(`{"event":"flushed","id":1}`)
		case "done-for-nothing":
			fmt.Println(`{"event":"done","id":77}`)
		case "ready-twice":
			fmt.Println(`{"event":"ready","protocol":1,"library":"broken","version":"1","order":{"promised":false,"why":"no"},"deadline_ms":1000}`)
		case "zeros":
			_, _ = os.Stdout.Write(append(make([]byte, 1000), '\n'))
		case "long-garbage":
			fmt.Println(strings.Repeat("\xfegarbage", 100_000))
		case "endless-line":
			for chunk := bytes.Repeat([]byte("x"), 64<<10); ; {
				if _, err := os.Stdout.Write(chunk); err != nil {
					return 0
				}
			}
		case "endless-errors":
			for chunk := bytes.Repeat([]byte("all is well\n"), 1000); ; {
				if _, err := os.Stderr.Write(chunk); err != nil {
					return 0
				}
			}
		case "many-errors": // 80 MiB of them, then an answer
			chunk := bytes.Repeat([]byte("all is well\n"), 1000)
			for range 80 << 20 / len(chunk) {
				_, _ = os.Stderr.Write(chunk)
			}
			fmt.Fprintln(os.Stderr, "the very last line")
			fmt.Printf(`{"event":"ack","acks":[{"id":%d,"partition":0,"offset":1}]}`+"\n", n)
		case "errors-after-an-answer":
			fmt.Printf(`{"event":"ack","acks":[{"id":%d,"partition":0,"offset":1}]}`+"\n", n)
			_, _ = os.Stderr.Write(append(bytes.Repeat([]byte("x"), 10<<20), '\n'))
		case "answers-and-dies":
			fmt.Print(strings.Repeat(`{"event":"fatal","message":"so what"}`+"\n", 1000))
			fmt.Printf(`{"event":"ack","acks":[{"id":%d,"partition":0,"offset":1}]}`+"\n", n)
			fmt.Fprintln(os.Stderr, "killed by a bug")
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "mute-after-all":
			os.Stdout.Close()
			time.Sleep(time.Hour)
		case "cut-line":
			fmt.Print(`{"event":"ack","acks":[{"id":1,`)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
}
