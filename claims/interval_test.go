package claims

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// The samples and the interval of Student's own first example, the extra hours
// of sleep (Biometrika 6, 1908): mean 1.58, deviation 1.23, ten patients.
func TestAnIntervalIsStudents(t *testing.T) {
	got, err := Spread([]float64{1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]float64{"mean": {got.Mean, 1.58}, "low": {got.Low, 0.70}, "high": {got.High, 2.46}} {
		if math.Abs(pair[0]-pair[1]) > 0.005 {
			t.Errorf("%s is %.4f, want %.2f", name, pair[0], pair[1])
		}
	}
}

func TestRatiosAreOfPairs(t *testing.T) {
	// The machine is ten times as slow in the second round: each pair says 2 all the same.
	got, err := Ratio([]float64{200, 20, 210}, []float64{100, 10, 105})
	if err != nil || math.Abs(got.Mean-2) > 1e-9 || math.Abs(got.High-got.Low) > 1e-9 {
		t.Errorf("%v, %v: want 2 (2 to 2)", got, err)
	}
	if _, err := Ratio([]float64{1}, []float64{1}); err == nil {
		t.Error("one pair has an interval")
	}
}

func sample(rate float64) Run {
	r := judged(checker.Pass, nil, nil)
	r.Sample = Sample{measRate: rate}
	return r
}

func TestAMeasuredRowIsDecidedByItsIntervals(t *testing.T) {
	row := suites.Row{
		ID: "cost", Claim: "it costs little", Measured: true,
		Sides: map[string]suites.Side{"on": {Scenario: "a", Runs: 3}, "off": {Scenario: "b", Runs: 3}},
		Answers: []suites.Answer{
			{When: "ratio(on.records_per_s, off.records_per_s).low > 0.9", Answer: "upheld", Because: "{ratio(on.records_per_s, off.records_per_s)} times, {spread(on.records_per_s)} a second"},
			{When: "ratio(on.records_per_s, off.records_per_s).high < 0.9", Answer: "refuted", Because: "dear"},
			{Answer: "qualified", Because: "cannot be told"},
		},
	}
	if err := Check(suites.Table{Rows: []suites.Row{row}}); err != nil {
		t.Fatal(err)
	}
	off := []Run{sample(100), sample(100), sample(100)}
	for name, c := range map[string]struct {
		on              []Run
		answer, because string
	}{
		"little":  {[]Run{sample(99), sample(100), sample(101)}, "upheld", "1 (0.975 to 1.03) times, 100 (97.5 to 102) a second"},
		"much":    {[]Run{sample(49), sample(50), sample(51)}, "refuted", "dear"},
		"unclear": {[]Run{sample(50), sample(100), sample(150)}, "qualified", "cannot be told"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Decide(row, "franz-go", "franz-go", map[string][]Run{"on": c.on, "off": off})
			if err != nil || d.Answer != c.answer || !strings.Contains(d.Because, c.because) {
				t.Errorf("%s: %s, %v", d.Answer, d.Because, err)
			}
		})
	}
	row.Measured = false
	if err := Check(suites.Table{Rows: []suites.Row{row}}); err == nil || !strings.Contains(err.Error(), "measured: true") {
		t.Errorf("a row that is not measured compares samples: %v", err)
	}
}

func TestTimesAreThoseOfWhatWasSentAndAcknowledged(t *testing.T) {
	const second = int64(time.Second)
	m := &history.Manifest{
		Run: "0000abcd", ClockBase: time.Now(), Ended: history.EndedComplete,
		Phases:    []history.Phase{{Name: "send", Start: second, End: 3 * second}},
		Topics:    []history.Topic{{Name: "t", Partitions: 1, Replication: 1, Starts: []int64{0}, Ends: []int64{0}}},
		Processes: []history.Process{{}},
	}
	dir := t.TempDir()
	w, err := history.Create(dir, m, &history.Plan{}, history.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A warm-up record, then a call every 10 ms, each acknowledged after 1 to 100 ms, but for one that never is.
	took := func(i int64) int64 { return (i*37%100 + 1) * int64(time.Millisecond) }
	ops := []history.Op{{Topic: "t", Return: second / 2, Outcome: history.Acked}}
	for i := range int64(100) {
		call := second + i*10*int64(time.Millisecond)
		ops = append(ops, history.Op{Topic: "t", Number: i + 1, Call: call, Return: call + took(i), Outcome: history.Acked})
	}
	ops = append(ops, history.Op{Topic: "t", Number: 101, Call: 2 * second, Return: 90 * second, Outcome: history.Unknown})
	for _, op := range ops {
		if err := w.Op(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	run, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Measure(run)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{measP50: 50_000, measP95: 95_000, measP99: 99_000, measP999: 99_000} {
		if got[name] != want {
			t.Errorf("%s is %.0f, want %.0f", name, got[name], want)
		}
	}
	if rate := got[measRate]; rate < 90 || rate > 100 {
		t.Errorf("%.1f records a second: 100 were acknowledged in 1.0 to 1.1 s", rate)
	}
}

func TestWhatARowComparesIsWhatItsAnswersName(t *testing.T) {
	row := suites.Row{Answers: []suites.Answer{
		{When: "ratio(on.latency_p50_us, off.latency_p50_us).low > 1 && on.lost == 0", Because: "{spread(on.records_per_s)} and {off.sent}"},
		{Because: "{ratio(off.records_per_s, on.records_per_s)}"},
	}}
	got := Compared(row)
	want := []Comparison{{measP50, []string{"on", "off"}}, {measRate, []string{"on", "off"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
