package checker

import "math"

// intervals is a set of record numbers, kept as disjoint spans by rising start.
// Clients send mostly in order, so there is mostly one.
type intervals []span

type span struct{ first, last int64 }

// add puts the numbers first to last in, and returns how many were there.
func (s *intervals) add(first, last int64) (again int64) {
	all := *s
	if n := len(all); n > 0 && all[n-1].last == first-1 { // the ordinary case
		all[n-1].last = last
		return 0
	}
	merged := make(intervals, 0, len(all)+1)
	fresh := span{first, last}
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, old := range all {
		if old.last < fresh.first-1 || old.first > fresh.last+1 {
			merged = append(merged, old)
			continue
		}
		if a, b := max(old.first, first), min(old.last, last); a <= b {
			again += b - a + 1
		}
		low, high = min(low, old.first), max(high, old.last)
	}
	fresh.first, fresh.last = min(fresh.first, low), max(fresh.last, high)
	at := 0
	for at < len(merged) && merged[at].first < fresh.first {
		at++
	}
	merged = append(merged, span{})
	copy(merged[at+1:], merged[at:])
	merged[at] = fresh
	*s = merged
	return again
}

// has says whether any of the numbers first to last is in the set.
func (s intervals) has(first, last int64) bool {
	for _, old := range s {
		if old.first <= last && old.last >= first {
			return true
		}
	}
	return false
}

// size is how many numbers are in the set.
func (s intervals) size() (n int64) {
	for _, old := range s {
		n += old.last - old.first + 1
	}
	return n
}

// and returns the numbers that are in both sets.
func (s intervals) and(other intervals) (both intervals) {
	for i, k := 0, 0; i < len(s) && k < len(other); {
		if a, b := max(s[i].first, other[k].first), min(s[i].last, other[k].last); a <= b {
			both = append(both, span{a, b})
		}
		if s[i].last < other[k].last {
			i++
		} else {
			k++
		}
	}
	return both
}
