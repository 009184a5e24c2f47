// Package claims decides what is said about clients and brokers by what judged
// runs have shown. A row of a table names scenarios, its sides; their verdicts
// come down to figures, and the first answer whose condition the figures meet is
// the row's.
//
// A side may also have cases of conform in place of a scenario, and a row may
// compare times: samples of runs that took turns, by their intervals.
//
// It is pure: whoever calls it has made the runs. What was not shown is never
// held for or against a claim: a side that proves too little makes its row
// inconclusive, and one that cannot be run makes it not applicable.
package claims
