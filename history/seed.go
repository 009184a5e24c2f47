package history

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Stream returns the random source called name of a run's seed. Each name has
// a source of its own, so drawing more from one never shifts another. It is
// the only source of randomness in a run.
func Stream(seed uint64, name string) *rand.Rand {
	text := binary.BigEndian.AppendUint64(nil, seed)
	sum := sha256.Sum256(append(text, name...))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// RunID is the 8 hex digits that a run's records carry. It depends on the seed
// and on what else tells two runs apart (scenario, time of start).
func RunID(seed uint64, what string) string {
	const digits = "0123456789abcdef"
	text := binary.BigEndian.AppendUint64(nil, seed)
	sum := sha256.Sum256(append(text, what...))
	id := make([]byte, 8)
	for i := range id {
		id[i] = digits[sum[i]&0xf]
	}
	return string(id)
}
