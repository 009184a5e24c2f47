package proxy

import (
	"fmt"
	"net"
	"sync"
)

// Refuse closes the port of the broker at index: new connections are refused by
// the kernel, as by a living host on which nothing listens; those that are
// waiting to be accepted are reset. Open connections go on. allow opens the same
// port again, when every Refuse of it has been undone; it may be called more
// than once.
//
// The port stays ours meanwhile: on Linux a second socket, that never listens,
// is bound to it for as long as the Fleet lives. Elsewhere another program
// could take it, and allow would fail.
func (f *Fleet) Refuse(index int) (allow func() error, err error) {
	l := f.lanes[index]
	if err := l.closePort(); err != nil {
		return nil, err
	}
	var once sync.Once
	return func() (err error) {
		once.Do(func() { err = l.openPort() })
		return err
	}, nil
}

func (l *lane) closePort() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusals++
	if l.refusals > 1 || l.listener == nil {
		return nil
	}
	err := l.listener.Close()
	l.listener = nil
	if err != nil {
		return fmt.Errorf("close the port %s of broker %d: %w", l.address, l.broker.Load(), err)
	}
	return nil
}

func (l *lane) openPort() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refusals == 0 { // Detach was quicker
		return nil
	}
	l.refusals--
	if l.refusals > 0 || l.fleet.closed.Load() {
		return nil
	}
	listener, err := net.Listen("tcp", l.address.String())
	if err != nil {
		return fmt.Errorf("open the port %s of broker %d again: %w", l.address, l.broker.Load(), err)
	}
	l.listener = listener
	l.accepting.Add(1)
	go l.accept(listener)
	return nil
}

// allowAll undoes every refusal.
func (l *lane) allowAll() error {
	l.mu.Lock()
	l.refusals = min(l.refusals, 1)
	l.mu.Unlock()
	return l.openPort()
}
