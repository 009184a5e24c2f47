package proxy

import (
	"math/rand/v2"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/idemcheck/idemcheck/history"
)

// Names under which the toxics of this file are known to toxiproxy's registry.
// Its own slicer and jitter draw from the global random source, so a run with
// them could not be run again.
const (
	slicerToxicType = "idemcheck_slicer"
	jitterToxicType = "idemcheck_jitter"
)

// slicerToxic cuts the stream into slices of 1 to 2*Size-1 bytes, Size in the
// mean, and waits between them. Every connection gets the same draws, so that
// the order in which connections come changes nothing.
type slicerToxic struct {
	Size  int    `json:"size"`  // bytes
	Delay int64  `json:"delay"` // after each slice, in microseconds
	Seed  uint64 `json:"seed"`
}

// NewState begins the draws of one connection's direction.
func (t *slicerToxic) NewState() any { return history.Stream(t.Seed, "slices") }

// Pipe cuts chunks until the link ends or toxiproxy interrupts it; then what is
// left of the chunk in hand goes on whole.
func (t *slicerToxic) Pipe(stub *toxics.ToxicStub) {
	from := stub.State.(*rand.Rand)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			for len(c.Data) > 0 {
				n := min(len(c.Data), 1+from.IntN(2*t.Size-1))
				slice := &stream.StreamChunk{Data: c.Data[:n:n], Timestamp: c.Timestamp}
				select {
				case stub.Output <- slice:
				case <-stub.Interrupt:
					stub.Output <- c
					return
				}
				c = &stream.StreamChunk{Data: c.Data[n:], Timestamp: c.Timestamp}
				pause.Reset(time.Duration(t.Delay) * time.Microsecond)
				select {
				case <-pause.C:
				case <-stub.Interrupt:
					if len(c.Data) > 0 {
						stub.Output <- c
					}
					return
				}
			}
		}
	}
}

// jitterToxic makes every chunk late by a drawn time up to Most; none overtakes
// another. The draws are as for slicerToxic.
type jitterToxic struct {
	Most int64  `json:"most"` // microseconds
	Seed uint64 `json:"seed"`
}

// NewState begins the draws of one connection's direction.
func (t *jitterToxic) NewState() any { return history.Stream(t.Seed, "delays") }

// GetBufferSize lets chunks arrive while others wait, as toxiproxy's latency
// does: a late chunk is no slow link.
func (t *jitterToxic) GetBufferSize() int { return 1024 }

// Pipe delays chunks until the link ends or toxiproxy interrupts it; then the
// chunk in hand goes on at once.
func (t *jitterToxic) Pipe(stub *toxics.ToxicStub) {
	from := stub.State.(*rand.Rand)
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			late := time.Duration(from.Int64N(t.Most+1)) * time.Microsecond
			timer := time.NewTimer(late - time.Since(c.Timestamp))
			select {
			case <-timer.C:
				stub.Output <- c
			case <-stub.Interrupt:
				timer.Stop()
				stub.Output <- c
				return
			}
		}
	}
}

var (
	_ toxics.StatefulToxic = (*slicerToxic)(nil)
	_ toxics.StatefulToxic = (*jitterToxic)(nil)
	_ toxics.BufferedToxic = (*jitterToxic)(nil)
)
