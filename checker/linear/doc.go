// Package linear is the second judge of order: it decides by search, with
// porcupine, what package checker decides in one pass, and shares no code with
// it. It knows nothing of clusters, files or verdicts.
//
// CrossCheck goes over whole partitions, with the final read as witness, in
// windows. Plain is porcupine's ordinary model of an append-only log without
// those helps: exponential, and beyond doubt; fuzz tests hold the sweep against
// it, and benchmarks show what the sweep saves.
package linear
