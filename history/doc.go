// Package history holds the words that every other package shares (record,
// op, outcome, fault, wire event, plan, manifest) and the run directory that
// keeps them on disk.
//
// It is a leaf: it imports the standard library and the Parquet library only,
// so a run can be read and judged years later without a cluster, a client or
// a proxy at hand. It records and reads; it never judges.
package history
