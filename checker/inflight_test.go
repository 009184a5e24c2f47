package checker

import (
	"math/rand/v2"
	"testing"
)

// TestRequestsInFlightAreCountedAsAMapWould holds the queue against a plain map,
// with ids that rise, repeat, wrap and are answered in any order.
func TestRequestsInFlightAreCountedAsAMapWould(t *testing.T) {
	from := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var c conn
		plain, withID := map[int32]bool{}, 0
		next := int32(from.IntN(5)) - 2
		if from.IntN(4) == 0 {
			next = 1<<31 - 20
		}
		for range 500 {
			id := next - int32(from.IntN(8))
			switch from.IntN(5) {
			case 0, 1:
				if from.IntN(4) > 0 {
					next++ // wraps
					id = next
				}
				has := from.IntN(3) > 0
				had, known := plain[id]
				fresh := !known || has && !had
				if fresh {
					plain[id] = has
					if has {
						withID++
					}
				}
				if got := c.launched(id, has, 1); got != fresh {
					t.Fatalf("launched %d: %v, want %v", id, got, fresh)
				}
			default:
				if plain[id] {
					withID--
				}
				delete(plain, id)
				c.landed(id)
			}
			if c.inFlight() != len(plain) || c.withID != withID {
				t.Fatalf("%d in flight, %d with a producer id; want %d, %d", c.inFlight(), c.withID, len(plain), withID)
			}
		}
	}
}

func TestRecentForgetsWhatIsDropped(t *testing.T) {
	var r recent[int64, int]
	one, two := 1, 2
	r.drop(1)
	r.put(1, &one)
	r.put(2, &two)
	if r.get(1) != &one || r.get(2) != &two || r.get(3) != nil || r.get(2) != &two {
		t.Error("a value is not found")
	}
	r.drop(2)
	if r.get(2) != nil || r.get(1) != &one {
		t.Error("what was dropped is found, or what was not is gone")
	}
}
