package matrix

import "slices"

// Expect marks the cells that a file of expected failures speaks of: as known
// where the verdict is the expected one, as a surprise where the case was held
// and came out better, which is when the entry is to leave the file. A verdict
// that is worse, or a case that could not be held, stays what it is. It takes
// all entries at once: the marks of an earlier call are wiped.
func (m *Matrix) Expect(expected []Expected) {
	for i := range m.Columns {
		column := &m.Columns[i]
		for j := range column.Cells {
			cell := &column.Cells[j]
			cell.Known, cell.Surprise = "", false
			for _, e := range expected {
				if e.Case != cell.Case || len(e.On) > 0 && !slices.Contains(e.On, column.Name) {
					continue
				}
				if cell.Verdict == e.Verdict {
					cell.Known = e.Reason
				}
				cell.Surprise = better(cell.Verdict, e.Verdict)
			}
		}
	}
}

// better says whether a case was held, and came out better than expected. That
// is another order than Worse has: a case that can't be held is worth less than
// one that passes.
func better(got, expected Verdict) bool {
	rank := [...]int{Pass: 0, Informational: 0, NonStrict: 1, NotApplicable: 2, Error: 3, Fail: 4}
	return got.shown() && rank[got] < rank[expected]
}

// shown says whether the broker was looked at to the end of the case.
func (v Verdict) shown() bool {
	return v == Pass || v == NonStrict || v == Fail || v == Informational
}

// ExitStatus is what a program ends with that held a matrix: 1 when a promise is
// broken that was not expected to be, or kept that was expected to be broken; 3
// when a case or a whole broker could not be looked at; 2 when nothing was shown
// at all; else 0. What is worse counts, in this order.
func (m *Matrix) ExitStatus() int {
	failed, broken, shown := false, false, false
	for _, column := range m.Columns {
		broken = broken || column.Broken != ""
		for _, cell := range column.Cells {
			failed = failed || cell.Surprise || cell.Verdict == Fail && cell.Known == ""
			broken = broken || cell.Verdict == Error && cell.Known == ""
			shown = shown || cell.Verdict.shown()
		}
	}
	switch {
	case failed:
		return 1
	case broken:
		return 3
	case !shown:
		return 2
	}
	return 0
}
