// Package claims decides what is said about clients and brokers by what judged
// runs have shown. A row of a table names scenarios, its sides; their verdicts
// come down to figures, and the first answer whose condition the figures meet is
// the row's.
//
// It is pure: whoever calls it has made the runs. What was not shown is never
// held for or against a claim: a side that proves too little makes its row
// inconclusive, and one that cannot be run makes it not applicable.
package claims
