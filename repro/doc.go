// Package repro answers two questions about a run that showed an anomaly: how
// often does it come back, and what is the smallest plan that still does it?
//
// A Signature says what "the same anomaly" means, a Rate how often it came
// back, a Rule when a smaller scenario counts, Shrink searches for the
// smallest, and Differences tells what was otherwise when it did not come back.
//
// It is pure logic: it starts nothing, and knows neither clusters nor clients.
// Whoever calls Shrink hands in the function that runs a scenario.
package repro
