package checker

// recent is a map that first looks at what it was asked for last. Journals
// stay with one connection, partition or producer for some events, and an
// event asks for the same thing several times. Its zero value is empty.
type recent[K comparable, V any] struct {
	all  map[K]*V
	key  K
	last *V // all[key]; nil when nothing was found yet
}

// get returns the value of a key; nil when there is none.
func (r *recent[K, V]) get(key K) *V {
	if r.last != nil && r.key == key {
		return r.last
	}
	v := r.all[key]
	if v != nil {
		r.key, r.last = key, v
	}
	return v
}

func (r *recent[K, V]) put(key K, v *V) {
	if r.all == nil {
		r.all = make(map[K]*V)
	}
	r.all[key] = v
	r.key, r.last = key, v
}

func (r *recent[K, V]) drop(key K) {
	delete(r.all, key)
	if r.key == key {
		r.last = nil
	}
}
