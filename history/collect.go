package history

import (
	"cmp"
	"slices"
	"sync"
)

// collector gathers the open part of one table, by lane. Rows of one lane
// mostly arrive in order; what does not is sorted when the part is finished.
type collector[R any] struct {
	table   string
	most    int // rows of a part
	columns []column[R]
	order   func(*R) int64

	mu     sync.Mutex // guards what follows; held only for appending and swapping
	lanes  map[laneKey]*laneRows[R]
	last   *laneRows[R] // of lanes: the one appended to last
	rows   int
	seq    int
	closed bool
}

func newCollector[R any](table string, most int, columns []column[R], order func(*R) int64) *collector[R] {
	return &collector[R]{table: table, most: most, columns: columns, order: order, lanes: make(map[laneKey]*laneRows[R])}
}

// add appends n rows of one lane to the open part; fill is given the place
// for them. When that fills the part, the part is closed and handed to write,
// which may wait until earlier parts are on disk. The error is ErrClosed.
func (c *collector[R]) add(key laneKey, write func(partJob), n int, fill func([]R)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	lane := c.last
	if lane == nil || lane.key != key {
		lane = c.lanes[key]
		if lane == nil {
			lane = &laneRows[R]{key: key}
			c.lanes[key] = lane
		}
		c.last = lane
	}
	fill(lane.grow(n))
	c.rows += n
	if c.rows >= c.most {
		c.swap(write)
	}
	return nil
}

// rotate closes the open part, if it holds anything; when last is true no
// other is begun.
func (c *collector[R]) rotate(write func(partJob), last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows > 0 {
		c.swap(write)
	}
	c.closed = c.closed || last
}

// swap hands the open part over and begins another. c.mu is held, so that
// parts reach write in the order of their numbers.
func (c *collector[R]) swap(write func(partJob)) {
	lanes := c.lanes
	c.lanes, c.last, c.rows = make(map[laneKey]*laneRows[R], len(lanes)), nil, 0
	c.seq++
	seq := c.seq
	write(func(dir string) (File, error) {
		return writePart(dir, c.table, seq, c.sorted(lanes), c.columns, c.order)
	})
}

// sorted puts lanes, and the rows of each, in order.
func (c *collector[R]) sorted(lanes map[laneKey]*laneRows[R]) []laneRows[R] {
	all := make([]laneRows[R], 0, len(lanes))
	for _, lane := range lanes {
		if !c.rising(lane.chunks) {
			rows := slices.Concat(lane.chunks...)
			slices.SortStableFunc(rows, func(a, b R) int { return cmp.Compare(c.order(&a), c.order(&b)) })
			lane.chunks = [][]R{rows}
		}
		all = append(all, *lane)
	}
	slices.SortFunc(all, func(a, b laneRows[R]) int { return compareLanes(a.key, b.key) })
	return all
}

func (c *collector[R]) rising(chunks [][]R) bool {
	last := c.order(&chunks[0][0])
	for _, rows := range chunks {
		for i := range rows {
			at := c.order(&rows[i])
			if at < last {
				return false
			}
			last = at
		}
	}
	return true
}

// The first chunk of a lane has room for leastChunk rows, every next one for
// twice as many, up to mostChunk: there may be thousands of lanes.
const (
	leastChunk = 16
	mostChunk  = 4096
)

// grow adds n rows and returns the place for them.
func (l *laneRows[R]) grow(n int) []R {
	end := len(l.chunks) - 1
	if end < 0 || cap(l.chunks[end])-len(l.chunks[end]) < n {
		room := leastChunk
		if end >= 0 {
			room = min(2*cap(l.chunks[end]), mostChunk)
		}
		l.chunks = append(l.chunks, make([]R, 0, max(room, n)))
		end++
	}
	had := len(l.chunks[end])
	l.chunks[end] = l.chunks[end][:had+n]
	return l.chunks[end][had:]
}

// partJob writes one closed part to the run directory. Jobs of one writer run
// one after the other.
type partJob func(dir string) (File, error)
