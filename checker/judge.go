package checker

// Options say how to judge. The zero value is ready for use. None of them
// changes what is found.
type Options struct {
	// Workers is how many partitions are judged at once; 0 is one per CPU.
	Workers int
	// Evidence is how many anomalies of each kind are kept with evidence; 0 is 3.
	Evidence int
	// Version goes into Verdict.JudgedBy; empty takes it from the build.
	Version string
}

// CrossCheckRows is how many log records of a run the second judge goes over
// at most: all of them in most runs, a sample of each partition in larger ones.
const CrossCheckRows = 1_000_000
