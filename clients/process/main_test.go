package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
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
