package history

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mention fails the test unless err mentions every part.
func mention(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not mention %q: %v", part, err)
		}
	}
}

// parts waits until a table has n finished parts.
func parts(t *testing.T, w *Writer, n int) {
	t.Helper()
	for range 1000 {
		if w.finished() >= n+1 { // plan.json is the first
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("there were never %d parts: %v", n, w.failed())
}

func TestPartsAreFinishedByTime(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{PartEvery: 10 * time.Millisecond})
	r := NewRecorder(w, time.Now())
	if err := r.End(r.Begin(1, testTP), Acked, 0, ""); err != nil {
		t.Fatal(err)
	}
	parts(t, w, 1)
	if err := r.End(r.Begin(1, testTP), Acked, 1, ""); err != nil {
		t.Fatal(err)
	}
	parts(t, w, 2)
	if ops := readOps(t, finish(t, w, dir), testTP, 1); len(ops) != 2 {
		t.Fatalf("%d ops, want 2", len(ops))
	}
}

func TestAKilledWriterLeavesItsFinishedParts(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{PartRows: 10})
	for i := range int64(35) {
		if err := w.Op(Op{Process: 1, Topic: "a", Partition: 1, Number: i, Outcome: Acked, Offset: i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Fault(FaultEvent{ID: 1, Fault: "kill-leader", Status: FaultStarted}); err != nil {
		t.Fatal(err)
	}
	parts(t, w, 3)
	// No Close: this is what is on disk when the harness is killed.
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if run.Manifest.Ended != EndedBroken || run.Manifest.EndedIn != "prepare" || len(run.Faults) != 1 {
		t.Fatalf("manifest %+v, faults %+v", run.Manifest, run.Faults)
	}
	if ops := readOps(t, run, testTP, 1); len(ops) != 30 {
		t.Fatalf("%d ops, want the 30 of finished parts", len(ops))
	}
	says(t, run, "manifest.json lists no parts: the harness was killed")

	if err := w.SaveManifest(testManifest()); err != nil { // killed later in the run
		t.Fatal(err)
	}
	write(t, dir, "ops-00004.parquet.tmp", "half a part")
	write(t, dir, "faults.jsonl", `{"id":1}`+"\n"+`{"id":2,"fau`)
	if run, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if len(run.Faults) != 1 {
		t.Fatalf("faults %+v", run.Faults)
	}
	says(t, run, "manifest.json was never completed: the harness was killed", "ops-00004.parquet.tmp was never finished", "faults.jsonl ends in the middle of a line")
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAManifestSavedMidwayListsTheFinishedParts(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{PartRows: 2})
	for i := range int64(4) {
		if err := w.Op(Op{Topic: "a", Number: i}); err != nil {
			t.Fatal(err)
		}
	}
	parts(t, w, 2)
	m := testManifest()
	m.Ended, m.EndedIn = EndedBroken, "send"
	if err := w.SaveManifest(m); err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 3 || m.Files[2].Name != planName || m.Files[0].Name != "ops-00001.parquet" || m.Files[0].Rows != 2 || m.Files[0].Bytes == 0 || len(m.Files[0].SHA256) != 64 {
		t.Fatalf("files %+v", m.Files)
	}
	run := finish(t, w, dir)
	if n := len(run.Manifest.Files); n != 4 || run.Manifest.Files[0].Name != "faults.jsonl" {
		t.Fatalf("files %+v", run.Manifest.Files)
	}
}

func TestAFullDiskIsNamed(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{PartRows: 10})
	tmp := filepath.Join(dir, "ops-00001.parquet.tmp")
	if err := os.Symlink("/dev/full", tmp); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	r := NewRecorder(w, time.Now())
	var err error
	for i := 0; i < 100000 && err == nil; i++ {
		err = r.End(r.Begin(1, testTP), Acked, 0, "")
		time.Sleep(10 * time.Microsecond)
	}
	mention(t, err, "write part file", tmp, "no space left")
	mention(t, r.Err(), tmp)
	mention(t, w.Op(Op{}), tmp)
	mention(t, w.Log(LogRecord{}), tmp)
	if err := os.Remove(tmp); err != nil { // the manifest is saved all the same
		t.Fatal(err)
	}
	mention(t, w.Close(testManifest()), tmp)
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	says(t, run)
}

func TestAFolderThatCannotBeWrittenIsNamed(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := w.Op(Op{}); err != nil {
		t.Fatal(err)
	}
	err := w.Close(testManifest())
	mention(t, err, "write part file", filepath.Join(dir, "ops-00001.parquet.tmp"), "save "+filepath.Join(dir, "manifest.json"))

	file := filepath.Join(t.TempDir(), "file")
	write(t, filepath.Dir(file), "file", "")
	_, err = Create(filepath.Join(file, "run"), testManifest(), &Plan{}, WriterOptions{})
	mention(t, err, "create run directory", file)
}

func TestCreateRefusesAFolderThatIsInUse(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "notes.txt", "mine")
	_, err := Create(dir, testManifest(), &Plan{}, WriterOptions{})
	mention(t, err, dir, "notes.txt", "not empty")
	if _, err := Create(t.TempDir(), nil, nil, WriterOptions{}); err == nil {
		t.Error("a run directory without a manifest was made")
	}
}

func TestAClosedWriterRefusesEverything(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	run := finish(t, w, dir)
	for name, err := range map[string]error{
		"op": w.Op(Op{}), "log": w.Log(LogRecord{}), "wire": w.Wire(WireEvent{Kind: WireAnswer, Action: ActionCut}),
		"fault": w.Fault(FaultEvent{}), "close": w.Close(testManifest()),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, tp := range run.Partitions() { // an empty run reads as empty
		if _, err := run.Ops(tp, 0).Next(); !errors.Is(err, io.EOF) {
			t.Errorf("ops of an empty run: %v", err)
		}
		if _, err := run.Log(tp).Next(); !errors.Is(err, io.EOF) {
			t.Errorf("log of an empty run: %v", err)
		}
		if len(run.Lanes(tp)) > 0 {
			t.Error("an empty run has lanes")
		}
	}
}

func TestPartsOutOfOrderAreAnErrorThatNamesFileAndLane(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{PartRows: 10})
	for i := range int64(20) {
		if err := w.Op(Op{Process: 1, Topic: "a", Partition: 1, Number: (i + 10) % 20}); err != nil {
			t.Fatal(err)
		}
		if err := w.Log(LogRecord{Topic: "a", Partition: 1, Offset: i / 2 * 2}); err != nil { // each offset twice
			t.Fatal(err)
		}
	}
	run := finish(t, w, dir)
	ops := run.Ops(testTP, 1)
	if _, err := ops.Next(); err != nil {
		t.Fatal(err)
	}
	_, err := ops.Next()
	mention(t, err, "ops-00002.parquet", "ops of process 1 in a/1")
	if _, again := ops.Next(); again != err {
		t.Errorf("the error was not kept: %v", again)
	}
	_, err = run.Log(testTP).Next()
	mention(t, err, "log-00001.parquet", "the log of a/1", "0 comes after 0")
}
