package history

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatAConsumerProcessedComesBackAsItWasWritten(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	want := []Processed{
		{Consumer: 0, At: 5, Topic: "a", Partition: 1, Offset: 7, Process: 2, Number: 3},
		{Consumer: 1, At: 6, Topic: "a", Partition: 1, Offset: 7, Process: -1, Number: -1},
	}
	for _, p := range want {
		if err := w.Processed(p); err != nil {
			t.Fatal(err)
		}
	}
	run := finish(t, w, dir)
	var got []Processed
	for p, err := range run.Processed() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, want %+v", got, want)
	}
	mention(t, w.Processed(want[0]), "a processed record", ErrClosed.Error())

	path := filepath.Join(dir, processedName)
	if err := os.WriteFile(path, []byte("{\"consumer\":0}\nnonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if wrong := strings.Join(run.Verify(), " "); !strings.Contains(wrong, processedName) {
		t.Errorf("an altered journal goes unnoticed: %s", wrong)
	}
	for _, err := range run.Processed() {
		if err != nil {
			mention(t, err, processedName+" is damaged: line 2")
			return
		}
	}
	t.Error("a damaged line is no error")
}

func TestARunWithoutAConsumerHasProcessedNothing(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	run := finish(t, w, dir)
	for p, err := range run.Processed() {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := os.Stat(filepath.Join(dir, processedName)); err == nil {
		t.Error("it has a journal of one all the same")
	}
}

// Columns came to be: what was written before reads as if they were empty.
func TestALogWithoutTheAddedColumnsIsRead(t *testing.T) {
	run, err := Open(filepath.Join("..", "results", "golden", "ack-loss"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r, err := range run.AllLog() {
		if err != nil {
			t.Fatal(err)
		}
		if n++; r.Message != 0 || r.Marker != "" || r.ProducerID < 0 {
			t.Fatalf("%+v", r)
		}
	}
	tp := run.Partitions()[0]
	if r, ok, err := run.FindLog(tp, 3); n == 0 || !ok || err != nil || r.Offset != 3 || r.Message != 0 {
		t.Errorf("%d records; %+v, %v, %v", n, r, ok, err)
	}
}

func TestTheNumberOfAMessageIsReadFromAKey(t *testing.T) {
	for key, want := range map[string]int64{"1": 1, "907": 907, "": 0, "0": 0, "01": 0, "-1": 0, "x": 0, "1 ": 0, "9999999999999999999": 0} {
		if got := ParseMessage([]byte(key)); got != want {
			t.Errorf("%q: %d, want %d", key, got, want)
		}
	}
	if got := ParseMessage(AppendMessage(nil, 4711)); got != 4711 {
		t.Errorf("4711 comes back as %d", got)
	}
}
