package child

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// stat is what is needed of /proc/PID/stat (proc(5)).
type stat struct {
	pid, parent, group int
	state              byte
	resident           int64 // bytes
}

func statOf(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, fmt.Errorf("look up process %d: %w", pid, err)
	}
	// The state stands behind the name, which is in parentheses and may hold any
	// character.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const parent, group, pages = 1, 2, 21
	if len(fields) <= pages || len(fields[0]) != 1 {
		return stat{}, fmt.Errorf("look up process %d: /proc says %q", pid, text)
	}
	number := func(at int) int64 {
		n, _ := strconv.ParseInt(string(fields[at]), 10, 64) // the kernel writes numbers
		return n
	}
	return stat{pid, int(number(parent)), int(number(group)), fields[0][0], number(pages) * int64(os.Getpagesize())}, nil
}

func (s stat) lives() bool { return s.state != 'Z' && s.state != 'X' }

// living lists all processes that have not ended.
func living() []stat {
	entries, _ := os.ReadDir("/proc") // without it nobody is known
	var all []stat
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if s, err := statOf(pid); err == nil && s.lives() {
				all = append(all, s)
			}
		}
	}
	return all
}

func groupOf(leader int) []int {
	var members []int
	for _, s := range living() {
		if s.group == leader {
			members = append(members, s.pid)
		}
	}
	return members
}

// stragglers gives the rest of a group some time to end, and returns who did
// not.
func stragglers(leader int, grace time.Duration) []int {
	for deadline := time.Now().Add(grace); ; time.Sleep(10 * time.Millisecond) {
		if left := groupOf(leader); len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// Memory is how many bytes of memory the child's process group has resident.
func (c *Child) Memory() (bytes int64, known bool) {
	for _, s := range living() {
		if s.group == c.PID {
			bytes += s.resident
		}
	}
	return bytes, bytes > 0
}

// Strays are processes that the child, or one that it started, has started, and
// that have left its process group: no signal to it reaches them.
func (c *Child) Strays() []int {
	all := living()
	family := map[int]bool{c.PID: true}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			if family[s.parent] && !family[s.pid] {
				family[s.pid], grown = true, true
			}
		}
	}
	var strays []int
	for _, s := range all {
		if family[s.pid] && s.group != c.PID {
			strays = append(strays, s.pid)
		}
	}
	return strays
}
