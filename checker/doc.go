// Package checker holds the judges. A judge reads a run directory and nothing
// else: no cluster, client or proxy can be reached from here, which is what
// lets a run be judged again years later and come out the same.
//
// One file per guarantee says what is promised, by whom, and when it is
// broken. The join of ops and log, which several guarantees share, is done
// once per partition, in one pass, in lane.go and sweep.go; the wire journal is
// read once, in wire.go, for coverage, for the protocol guarantees, and for the
// evidence of what the join found.
//
// Two judgings of one directory give the same bytes.
package checker
