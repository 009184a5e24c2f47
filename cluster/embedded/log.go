package embedded

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// mostLog bounds what is kept of kfake's log, in bytes.
const mostLog = 4 << 20

// logBuffer keeps the beginning of kfake's log in memory.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Logf implements kfake.Logger.
func (l *logBuffer) Logf(level kfake.LogLevel, format string, values ...any) {
	if level > kfake.LogLevelInfo {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() < mostLog {
		fmt.Fprintf(&l.text, format+"\n", values...)
	}
}

func (l *logBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.text.Bytes())
}
