package main

import (
	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/checker/linear"
)

// judge is the one path by which a run directory gets its verdict, whether it
// was just made or is years old. It saves the verdict there.
func judge(dir string) (*checker.Verdict, error) {
	verdict, err := judged(dir)
	if err != nil {
		return nil, err
	}
	return verdict, checker.Save(dir, verdict)
}

// judged is judge that leaves the directory as it is.
func judged(dir string) (*checker.Verdict, error) {
	return checker.Judge(dir, checker.Options{CrossCheck: linear.CrossCheck{}, Version: version()})
}
