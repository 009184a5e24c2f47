package checker

import "slices"

// conn is one client connection through a proxy.
type conn struct {
	known  bool // it has carried a produce request
	client string

	// The requests in flight, oldest first, from head on. A client has a few,
	// and the oldest is answered next, so this is quicker than a map.
	flying  []flying
	head    int
	highest int32 // correlation id of those in flight, or of some before
	withID  int   // requests in flight with a producer id
}

// flying is one request in flight.
type flying struct {
	correlation int32
	withID      bool  // it carries a producer id
	at          int64 // when it was sent
}

// inFlight is how many requests are in flight.
func (c *conn) inFlight() int { return len(c.flying) - c.head }

// launched takes one batch of a request, and says whether that made one more
// request in flight, or one more with a producer id.
func (c *conn) launched(correlation int32, withID bool, now int64) bool {
	at := -1
	if c.inFlight() > 0 && correlation <= c.highest { // ids rise, so mostly it is new
		at = c.find(correlation)
	}
	if c.inFlight() == 0 || correlation > c.highest {
		c.highest = correlation
	}
	switch {
	case at < 0:
		if c.head > 0 && len(c.flying) == cap(c.flying) {
			c.flying = slices.Delete(c.flying, 0, c.head)
			c.head = 0
		}
		c.flying = append(c.flying, flying{correlation, withID, now})
	case withID && !c.flying[at].withID:
		c.flying[at].withID = true
	default:
		return false
	}
	if withID {
		c.withID++
	}
	return true
}

// landed takes the answer to a request, or to one partition of it, and returns
// when it was sent; 0 when that is not known any more.
func (c *conn) landed(correlation int32) (sent int64) {
	at := c.find(correlation)
	if at < 0 {
		return 0
	}
	sent = c.flying[at].at
	if c.flying[at].withID {
		c.withID--
	}
	if at == c.head {
		c.head++
	} else {
		c.flying = slices.Delete(c.flying, at, at+1)
	}
	if c.head == len(c.flying) {
		c.flying, c.head = c.flying[:0], 0
	}
	return sent
}

// find returns where a request in flight stands; -1 when it is none.
func (c *conn) find(correlation int32) int {
	if n := len(c.flying); n > c.head && c.flying[n-1].correlation == correlation { // one more batch of the newest
		return n - 1
	}
	for i := c.head; i < len(c.flying); i++ {
		if c.flying[i].correlation == correlation {
			return i
		}
	}
	return -1
}
