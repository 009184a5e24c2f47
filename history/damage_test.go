package history

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// says fails the test unless Verify says exactly these sentences, by their
// beginnings, in any order.
func says(t *testing.T, run *Run, beginnings ...string) {
	t.Helper()
	wrong := run.Verify()
	for _, beginning := range beginnings {
		found := false
		for _, sentence := range wrong {
			found = found || strings.HasPrefix(sentence, beginning) && strings.HasSuffix(sentence, ".")
		}
		if !found {
			t.Errorf("Verify does not say %q: %q", beginning, wrong)
		}
	}
	if len(beginnings) == 0 && len(wrong) > 0 {
		t.Errorf("Verify complains: %q", wrong)
	}
}

// smallRun writes three parts of each table.
func smallRun(t *testing.T) string {
	t.Helper()
	w, dir := testWriter(t, WriterOptions{PartRows: 10})
	for i := range int64(30) {
		err := errors.Join(
			w.Op(Op{Process: 1, Topic: "a", Partition: 1, Number: i, Outcome: Acked, Offset: i}),
			w.Log(LogRecord{Process: 1, Topic: "a", Partition: 1, Number: i, Offset: i}),
			w.Wire(WireEvent{At: i, Kind: WireRequest, Action: ActionPassed}),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Fault(FaultEvent{ID: 1, Fault: "cut-after-append", Status: FaultEnded, Hits: FaultHits{Acks: 3}}); err != nil {
		t.Fatal(err)
	}
	m := testManifest()
	m.Ended, m.Processes = EndedComplete, []Process{{ID: 1}, {ID: 9}}
	if err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readEverything walks a run in every way and returns the first error.
func readEverything(run *Run) error {
	var first error
	keep := func(err error) {
		if first == nil && err != nil && !errors.Is(err, io.EOF) {
			first = err
		}
	}
	for _, tp := range run.Partitions() {
		for _, process := range run.Lanes(tp) {
			c := run.Ops(tp, process)
			var err error
			for err == nil {
				_, err = c.Next()
			}
			keep(err)
			_, _, err = run.FindOp(process, tp, 15)
			keep(err)
		}
		c := run.Log(tp)
		var err error
		for err == nil {
			_, err = c.Next()
		}
		keep(err)
		_, _, err = run.FindLog(tp, 15)
		keep(err)
	}
	for _, err := range run.AllOps() {
		keep(err)
	}
	for _, err := range run.AllLog() {
		keep(err)
	}
	for _, err := range run.Wire() {
		keep(err)
	}
	return first
}

func TestDamageIsNamedAndNeverReadAsWhole(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(dir string) error
		says string // "" when nothing is wrong
		read string // what reading mentions; "" when it goes well
	}{
		"nothing": {func(string) error { return nil }, "", ""},
		"a missing part": {
			func(dir string) error { return os.Remove(filepath.Join(dir, "ops-00002.parquet")) },
			"ops-00002.parquet is missing (10 rows)", "ops-00002.parquet is missing",
		},
		"a missing last part": {
			func(dir string) error { return os.Remove(filepath.Join(dir, "log-00003.parquet")) },
			"log-00003.parquet is missing (10 rows)", "log-00003.parquet is missing",
		},
		"every part of a table missing": {
			func(dir string) error {
				return errors.Join(os.Remove(filepath.Join(dir, "ops-00001.parquet")), os.Remove(filepath.Join(dir, "ops-00002.parquet")), os.Remove(filepath.Join(dir, "ops-00003.parquet")))
			},
			"ops-00001.parquet is missing", "ops-00001.parquet is missing",
		},
		"a truncated part": {
			func(dir string) error { return os.Truncate(filepath.Join(dir, "wire-00001.parquet"), 1000) },
			"wire-00001.parquet is truncated: it has 1000 of", "wire-00001.parquet is damaged",
		},
		"an empty part": {
			func(dir string) error { return os.Truncate(filepath.Join(dir, "ops-00001.parquet"), 0) },
			"ops-00001.parquet is truncated: it has 0 of", "ops-00001.parquet is damaged",
		},
		"an altered byte": {
			func(dir string) error { return alter(filepath.Join(dir, "log-00001.parquet"), 200) },
			"log-00001.parquet has been altered: its SHA-256", "any",
		},
		"bytes at the end": {
			func(dir string) error {
				f, err := os.OpenFile(filepath.Join(dir, "faults.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				_, err = f.WriteString("{}\n")
				return errors.Join(err, f.Close())
			},
			"faults.jsonl has been altered: it has", "",
		},
		"a truncated fault journal": {
			func(dir string) error { return os.Truncate(filepath.Join(dir, "faults.jsonl"), 10) },
			"faults.jsonl is truncated", "",
		},
		"a missing fault journal": {
			func(dir string) error { return os.Remove(filepath.Join(dir, "faults.jsonl")) },
			"faults.jsonl is missing", "",
		},
		"an unlisted part": {
			func(dir string) error {
				text, err := os.ReadFile(filepath.Join(dir, "wire-00003.parquet"))
				return errors.Join(err, os.WriteFile(filepath.Join(dir, "wire-00004.parquet"), text, 0o644))
			},
			"wire-00004.parquet is not listed in manifest.json", "",
		},
		"an unlisted part that is no part": {
			func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "ops-00004.parquet"), []byte("PAR1?"), 0o644)
			},
			"ops-00004.parquet is not listed in manifest.json and cannot be read", "ops-00004.parquet is damaged",
		},
		"files of other tools": {
			func(dir string) error { return os.WriteFile(filepath.Join(dir, "ops-1.parquet"), nil, 0o644) },
			"", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := smallRun(t)
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			run, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if c.says == "" {
				says(t, run)
			} else {
				says(t, run, c.says)
			}
			switch err := readEverything(run); c.read {
			case "":
				if err != nil {
					t.Errorf("reading: %v", err)
				}
			case "any": // an altered byte may or may not be noticed by reading
			default:
				mention(t, err, c.read)
			}
		})
	}
}

func alter(path string, at int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text[at] ^= 0x55
	return os.WriteFile(path, text, 0o644)
}

func TestAnyAlteredByteIsSeenByVerifyAndPanicsNowhere(t *testing.T) {
	dir := smallRun(t)
	path := filepath.Join(dir, "ops-00002.parquet")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(4, 4))
	for range 60 {
		text := append([]byte(nil), whole...)
		for range 1 + random.IntN(4) {
			text[random.IntN(len(text))] ^= byte(1 + random.IntN(255))
		}
		if string(text) == string(whole) {
			continue
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		run, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		_ = readEverything(run) // must not panic
		says(t, run, "ops-00002.parquet has been altered")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := smallRun(t)
	open := func(dir string) error {
		_, err := Open(dir)
		return err
	}
	spoil := func(name, text string, parts ...string) {
		t.Helper()
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text == "" {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		mention(t, open(dir), append(parts, path)...)
		write(t, dir, name, string(whole))
	}
	mention(t, open(filepath.Join(dir, "nowhere")), "nowhere does not exist")
	mention(t, open(filepath.Join(dir, "plan.json")), "plan.json is a file, not a run directory")
	empty := t.TempDir()
	mention(t, open(empty), empty, "is not a run directory: it has no manifest.json")
	spoil("manifest.json", `{"schema": 99, "run": 5}`, "schema version 99", "update idemcheck")
	spoil("manifest.json", `{"run": "x"}`, "no schema version")
	spoil("manifest.json", "{\n  \"schema\": 1,\n  \"run\": oops}", "is damaged: line 3, column 1")
	spoil("manifest.json", "{\n  \"schema\": 1,\n  \"run\": 5}", "is damaged: line 3", "run")
	spoil("manifest.json", `{"schema": 1, "ru`, "is damaged: line 1, column 17")
	spoil("plan.json", `{"schema": 3}`, "schema version 3", "update idemcheck")
	spoil("plan.json", `{"seed": 7}`, "no schema version")
	spoil("plan.json", `{`, "is damaged")
	spoil("plan.json", "")
	spoil("faults.jsonl", "{\"id\":1}\n{\"id\":x}\n", "is damaged: line 2")
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	says(t, run)
	if len(run.Faults) != 1 || run.Faults[0].Hits.Acks != 3 || run.Plan.Seed != 7 || run.Manifest.Run != "0badcafe" {
		t.Fatalf("faults %+v, plan %+v", run.Faults, run.Plan)
	}
}

func TestACursorThatIsClosedLetsGo(t *testing.T) {
	run, err := Open(smallRun(t))
	if err != nil {
		t.Fatal(err)
	}
	ops, log := run.Ops(testTP, 1), run.Log(testTP)
	if _, err := ops.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(ops.Close(), log.Close()); err != nil {
			t.Fatal(err)
		}
	}
	_, err1 := ops.Next()
	_, err2 := log.Next()
	mention(t, err1, "closed")
	mention(t, err2, "closed")
	for range run.Wire() {
		break // stopping early lets go as well
	}
	for range run.AllOps() {
		break
	}
	for _, p := range append(append(run.ops, run.log...), run.wire...) {
		if p.users != 0 || p.file != nil {
			t.Errorf("%s is still open", p.name)
		}
	}
}
