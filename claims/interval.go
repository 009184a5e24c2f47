package claims

import (
	"errors"
	"fmt"
	"math"

	"github.com/expr-lang/expr"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// confidence is that of every interval.
const confidence = 0.95

// Interval is a mean of samples, and between what the true one lies with 95 %
// confidence.
type Interval struct {
	Mean float64 `expr:"mean"`
	Low  float64 `expr:"low"`
	High float64 `expr:"high"`
}

// String returns "0.97 (0.94 to 1.01)".
func (i Interval) String() string {
	return fmt.Sprintf("%s (%s to %s)", short(i.Mean), short(i.Low), short(i.High))
}

// short writes a number with three digits, and whole ones in full.
func short(f float64) string {
	if math.Abs(f) >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.3g", f)
}

var errFewSamples = errors.New("an interval needs two samples or more of each side")

// Spread is the mean of samples, with Student's interval.
func Spread(samples []float64) (Interval, error) {
	if len(samples) < 2 {
		return Interval{}, errFewSamples
	}
	mean, deviation := stat.MeanStdDev(samples, nil)
	n := float64(len(samples))
	off := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile((1+confidence)/2) * deviation / math.Sqrt(n)
	return Interval{mean, mean - off, mean + off}, nil
}

// Ratio is how many times as large a's samples are as b's. The i-th of both were
// taken one after the other, so they are compared in pairs: what slows the
// machine down for a while slows both. It is the geometric mean of the pairs'
// ratios, with the interval of their logarithms.
func Ratio(a, b []float64) (Interval, error) {
	var logs []float64
	for i := range min(len(a), len(b)) {
		logs = append(logs, math.Log(a[i]/b[i]))
	}
	spread, err := Spread(logs)
	return Interval{math.Exp(spread.Mean), math.Exp(spread.Low), math.Exp(spread.High)}, err
}

// functions are what conditions and sentences of measured rows may call.
func functions() []expr.Option {
	return []expr.Option{
		expr.Function("ratio", func(params ...any) (any, error) {
			a, b, err := two(params)
			if err != nil {
				return nil, err
			}
			return Ratio(a, b)
		}, new(func(a, b any) Interval)),
		expr.Function("spread", func(params ...any) (any, error) {
			samples, ok := params[0].([]float64)
			if !ok {
				return nil, errFewSamples
			}
			return Spread(samples)
		}, new(func(a any) Interval)),
	}
}

func two(params []any) (a, b []float64, err error) {
	a, ok := params[0].([]float64)
	b, also := params[1].([]float64)
	if !ok || !also {
		return nil, nil, errFewSamples
	}
	return a, b, nil
}
