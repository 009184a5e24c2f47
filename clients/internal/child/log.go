package child

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

const (
	// KeptOfLog is how much of a child's standard error is kept.
	KeptOfLog = 64 << 20

	tailBytes = 4096
	tailLines = 6
)

// keeper takes a child's standard error, as fast as it comes: the first bytes of
// it into a file, the last lines into memory.
type keeper struct {
	done chan struct{} // closed when the stream has ended and the file is closed

	mu   sync.Mutex
	tail []byte
}

func newKeeper() *keeper { return &keeper{done: make(chan struct{})} }

// keep reads until the stream ends. It goes on reading when the file can take no
// more, since a child must never wait for its own log.
func (k *keeper) keep(stream io.Reader, file *os.File) {
	defer close(k.done)
	defer file.Close() // nobody could be told that it failed
	room, dropped := int64(KeptOfLog), int64(0)
	buffer := make([]byte, 64<<10)
	for {
		n, err := stream.Read(buffer)
		some := buffer[:n]
		k.remember(some)
		if kept := min(int64(n), room); kept > 0 {
			_, _ = file.Write(some[:kept])
			room, some = room-kept, some[kept:]
		}
		if len(some) > 0 {
			if dropped == 0 {
				fmt.Fprintf(file, "\n[idemcheck: here standard error had %d MiB, and what follows is not kept]\n", KeptOfLog>>20)
			}
			dropped += int64(len(some))
		}
		if err != nil {
			break
		}
	}
	if dropped > 0 {
		fmt.Fprintf(file, "[idemcheck: %d more bytes came; the last lines were:]\n%s\n", dropped, k.lastLines())
	}
}

func (k *keeper) remember(some []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if over := len(some) - tailBytes; over > 0 {
		some = some[over:]
	}
	if over := len(k.tail) + len(some) - tailBytes; over > 0 {
		k.tail = k.tail[:copy(k.tail, k.tail[over:])]
	}
	k.tail = append(k.tail, some...)
}

func (k *keeper) lastLines() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(k.tail)), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
