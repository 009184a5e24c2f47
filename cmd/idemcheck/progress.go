package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/runner"
)

// progress shows how a run stands: on a terminal one line that is written over,
// elsewhere a plain line when the phase changes.
type progress struct {
	out   io.Writer
	live  bool
	width int

	mu    sync.Mutex
	title string
	phase string
	drawn bool // a live line stands there
}

func newProgress(out *os.File) *progress {
	p := &progress{out: out, live: term.IsTerminal(int(out.Fd())) && os.Getenv("TERM") != "dumb"}
	p.width = 100
	if width, _, err := term.GetSize(int(out.Fd())); err == nil && width > 0 {
		p.width = width
	}
	return p
}

// style says how lines to the same place may look.
func (p *progress) style() report.Style {
	if !p.live {
		return report.Style{} // whoever reads a pipe wants whole lines
	}
	return report.Style{Colour: os.Getenv("NO_COLOR") == "", Width: p.width}
}

// begin names what the next statuses are about.
func (p *progress) begin(title string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.title, p.phase = title, ""
}

// note writes a line that stays.
func (p *progress) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	fmt.Fprintf(p.out, "     %s\n", text)
}

// show takes one status.
func (p *progress) show(s runner.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.live {
		if s.Phase != p.phase && notable(s.Phase) {
			fmt.Fprintf(p.out, "     %s: %s\n", p.title, s.Phase)
		}
		p.phase = s.Phase
		return
	}
	p.phase = s.Phase
	line := fmt.Sprintf("...  %s: %-8s %5.1f s  %d/%d sent, %d acked", p.title, s.Phase, s.Elapsed.Seconds(), s.Sent, s.Planned, s.Acked)
	if s.Faults > 0 {
		line += fmt.Sprintf(", %d/%d faults", s.Fired, s.Faults)
	}
	if len(s.Active) > 0 {
		line += " [" + strings.Join(s.Active, ", ") + "]"
	}
	if s.Phase == "send" || s.Phase == "settle" {
		line += fmt.Sprintf(", %d s left", int(s.Left.Round(time.Second).Seconds()))
	}
	if len(line) > p.width-1 {
		line = line[:max(p.width-1, 0)]
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
	p.drawn = true
}

// notable phases are worth a line where nothing can be written over.
func notable(phase string) bool {
	return phase == "cluster" || phase == "send" || phase == "drain"
}

// clear makes room for lines of another writer to the same terminal.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
}

func (p *progress) wipe() {
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}
