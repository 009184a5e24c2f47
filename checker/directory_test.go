package checker

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/checker/linear"
	"github.com/idemcheck/idemcheck/history"
)

// write puts a run in memory into a directory, in small part files.
func (m *memoryRun) write(t *testing.T, dir string) {
	t.Helper()
	w, err := history.Create(dir, &m.manifest, &m.plan, history.WriterOptions{PartRows: 7})
	if err != nil {
		t.Fatal(err)
	}
	all := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range m.ops {
		all(w.Op(o))
	}
	for _, r := range m.log {
		all(w.Log(r))
	}
	for _, ev := range m.wire {
		all(w.Wire(ev))
	}
	for _, f := range m.faults {
		all(w.Fault(f))
	}
	m.finish()
	m.manifest.Ended, m.manifest.EndedIn = history.EndedComplete, ""
	all(w.Close(&m.manifest))
}

func TestARunDirectoryIsJudgedAsTheRunInMemory(t *testing.T) {
	for name, build := range map[string]func() *memoryRun{
		"sound": func() *memoryRun {
			return newMemoryRun(idempotent(1), idempotent(2)).sequential(1, 40).sequential(2, 30)
		},
		"duplicated": duplicated,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			build().write(t, dir)
			want := build().judge()
			got, err := Judge(dir, Options{Version: "test"})
			if err != nil {
				t.Fatal(err)
			}
			if got.HarnessError != "" || got.Overall != want.Overall || got.AsExpected != want.AsExpected || got.Why != want.Why {
				t.Errorf("got %s %v %q %s, want %s %v %q", got.Overall, got.AsExpected, got.Why, got.HarnessError, want.Overall, want.AsExpected, want.Why)
			}
			for i := range want.Guarantees {
				g, w := got.Guarantees[i], want.Guarantees[i]
				if g.Status != w.Status || g.Count != w.Count || len(g.Anomalies) != len(w.Anomalies) {
					t.Errorf("%s: got %s, %d, want %s, %d", g.Name, g.Status, g.Count, w.Status, w.Count)
					continue
				}
				for k := range w.Anomalies {
					if g.Anomalies[k].Diagnosis != w.Anomalies[k].Diagnosis {
						t.Errorf("got %s\nwant %s", g.Anomalies[k].Diagnosis, w.Anomalies[k].Diagnosis)
					}
				}
			}
		})
	}
}

func TestJudgingTwiceGivesTheSameBytes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	m := duplicated()
	for i := range int64(20) { // findings of many kinds, from maps and several processes
		m.storedAs(history.LogRecord{Standing: history.Standing(i % 5), Process: -1, Number: -1, Claims: "t/3"})
		m.send(1, 2*later+i, 2*later+i, history.Acked, 3).send(2, later+i, later+i, history.Acked, 500-i)
	}
	m.write(t, dir)
	var before []byte
	for i := range 6 {
		v, err := Judge(dir, Options{Workers: 1 + i%2, CrossCheck: linear.CrossCheck{}})
		if err != nil {
			t.Fatal(err)
		}
		if v.HarnessError != "" {
			t.Fatal(v.HarnessError)
		}
		if err := Save(dir, v); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, VerdictFile))
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, text) {
			t.Fatal("two judgings differ")
		}
		before = text
	}
	v, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Save(dir, v); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, VerdictFile)); !bytes.Equal(before, text) {
		t.Error("a verdict that was loaded and saved is another")
	}
}

func TestADamagedRunDirectoryIsNeverJudged(t *testing.T) {
	for _, damage := range []struct {
		name, file string
		do         func(path string) error
	}{
		{"a missing op file", "ops-00002.parquet", os.Remove},
		{"a missing log file", "log-00001.parquet", os.Remove},
		{"a missing wire file", "wire-00003.parquet", os.Remove},
		{"missing faults", "faults.jsonl", os.Remove},
		{"a truncated file", "ops-00001.parquet", func(path string) error { return os.Truncate(path, 100) }},
		{"an altered file", "log-00001.parquet", func(path string) error {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text[len(text)/2] ^= 1
			return os.WriteFile(path, text, 0o644)
		}},
	} {
		t.Run(damage.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			newMemoryRun(idempotent(1)).sequential(1, 40).fault("cut-after-append", history.FaultStarted, history.FaultEnded).write(t, dir)
			if err := damage.do(filepath.Join(dir, damage.file)); err != nil {
				t.Fatal(err)
			}
			v, err := Judge(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(v.HarnessError, damage.file) || v.Overall != Inconclusive {
				t.Errorf("%s: harness error %q", v.Overall, v.HarnessError)
			}
		})
	}
}

func TestAKilledHarnessLeavesAnInconclusiveRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	m := newMemoryRun(idempotent(1))
	if _, err := history.Create(dir, &m.manifest, &m.plan, history.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	v, err := Judge(dir, Options{})
	if err != nil || v.Overall != Inconclusive || !strings.Contains(v.Why, "in prepare") {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestWhatIsNoRunDirectoryIsAnError(t *testing.T) {
	if _, err := Judge(t.TempDir(), Options{}); err == nil {
		t.Error("an empty folder was judged")
	}
	if _, err := Load(t.TempDir()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "idemcheck check") {
		t.Errorf("loading no verdict: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, VerdictFile), []byte(`{"schema": 99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "newer idemcheck") {
		t.Errorf("loading a newer verdict: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, VerdictFile), []byte(`{"schema": 1, "overall": "good"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), `unknown status "good"`) {
		t.Errorf("loading an unknown status: %v", err)
	}
}

// TestGoldenRunsAreJudgedAsBefore judges the committed runs again.
func TestGoldenRunsAreJudgedAsBefore(t *testing.T) {
	manifests, err := filepath.Glob("../results/golden/*/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(manifests) == 0 {
		t.Skip("no golden runs in results/golden")
	}
	for _, path := range manifests {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Judge(dir, Options{CrossCheck: linear.CrossCheck{}, Version: want.JudgedBy})
			if err != nil {
				t.Fatal(err)
			}
			copied := t.TempDir()
			if err := Save(copied, got); err != nil {
				t.Fatal(err)
			}
			now, err := os.ReadFile(filepath.Join(copied, VerdictFile))
			if err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(dir, VerdictFile))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(now, before) {
				t.Errorf("the verdict is another: %s (%s), it was %s (%s); if that is meant, judge the run again with idemcheck check and commit its verdict", got.Overall, got.Why, want.Overall, want.Why)
			}
		})
	}
}
