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

	mu     sync.Mutex      // guards what follows; held only for appending and swapping
	before map[laneKey]int // rows of the lanes of the part before: a good guess
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
			lane = &laneRows[R]{key: key, rows: make([]R, 0, c.before[key])}
			c.lanes[key] = lane
		}
		c.last = lane
	}
	end := len(lane.rows)
	lane.rows = slices.Grow(lane.rows, n)[:end+n]
	fill(lane.rows[end:])
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
	c.before = make(map[laneKey]int, len(lanes))
	for key, lane := range lanes {
		c.before[key] = len(lane.rows)
	}
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
		if !c.rising(lane.rows) {
			slices.SortStableFunc(lane.rows, func(a, b R) int { return cmp.Compare(c.order(&a), c.order(&b)) })
		}
		all = append(all, *lane)
	}
	slices.SortFunc(all, func(a, b laneRows[R]) int { return compareLanes(a.key, b.key) })
	return all
}

func (c *collector[R]) rising(rows []R) bool {
	for i := 1; i < len(rows); i++ {
		if c.order(&rows[i-1]) > c.order(&rows[i]) {
			return false
		}
	}
	return true
}

// partJob writes one closed part to the run directory. Jobs of one writer run
// one after the other.
type partJob func(dir string) (File, error)
