// Package history holds the words that every other package shares (record,
// op, outcome, fault, wire event, plan, manifest) and the run directory that
// keeps them on disk.
//
// It is a leaf: it imports the standard library and the Parquet library only,
// so a run can be read and judged years later without a cluster, a client or
// a proxy at hand. It records and reads; it never judges.
//
// A Recorder takes ops down while they happen and a Writer writes them; Open
// gives a Run, whose cursors walk one lane (an op's process and partition, or
// a partition of the log) through all part files, column by column. A part
// file that is missing or damaged is an error of every cursor that might have
// needed it, and a sentence of Run.Verify.
package history
