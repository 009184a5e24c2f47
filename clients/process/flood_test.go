package process

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

func TestACommandIsAnsweredOnceAndInItsOwnWords(t *testing.T) {
	for how, want := range map[string]string{
		"flushed-twice": "line 3 of its standard output: answer to 1, which is nothing without an answer", "done-for-a-flush": "answer to 1",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := open(t, how, clients.Options{})
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-r.broken; !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func TestALateAnswerToACommandNobodyWaitsForIsNoError(t *testing.T) {
	r := open(t, "good", clients.Options{})
	process := r.Producer.(clients.Process)
	if err := process.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.Flush(ctx); err == nil {
		t.Error("a driver that stands still was flushed")
	}
	if err := process.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if len(r.broken) > 0 {
		t.Error(<-r.broken)
	}
}

func TestNothingFollowsClosed(t *testing.T) {
	r := open(t, "after-closed", clients.Options{})
	if err := r.Close(t.Context()); err == nil {
		t.Error("a driver that talks on was closed")
	}
	if err := <-r.broken; !strings.Contains(err.Error(), `event "fatal" after closed`) {
		t.Error(err)
	}
}

func TestADriverThatClosesItsOutputAndLivesOnIsEnded(t *testing.T) {
	if testing.Short() {
		t.Skip("waits as long as a driver may take to end")
	}
	t.Parallel()
	r := open(t, "mute-after-all", clients.Options{})
	r.send(0, "a")
	if err := <-r.broken; !strings.Contains(err.Error(), "its standard output has ended, and it lives on") || alive(r.pid()) {
		t.Errorf("%v, alive %v", err, alive(r.pid()))
	}
}

func TestOfAFloodOnStandardErrorTheBeginningIsKeptAndNobodyWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 64 MiB")
	}
	t.Parallel()
	r := open(t, "many-errors", clients.Options{})
	r.send(0, "a")
	for deadline := time.Now().Add(30 * time.Second); len(r.results()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it waits for its log")
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(r.log)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) < 64<<20 || len(text) > 64<<20+8192 || !strings.HasPrefix(string(text), "all is well\n") {
		t.Errorf("%d bytes are kept", len(text))
	}
	end := string(text[64<<20:])
	for _, want := range []string{"here standard error had 64 MiB", "16", "more bytes came; the last lines were:", "the very last line"} {
		if !strings.Contains(end, want) {
			t.Errorf("the log ends without %q: %q", want, end)
		}
	}
}

func TestAnEndlessFloodOnStandardErrorEndsWithItsDriver(t *testing.T) {
	r := open(t, "endless-errors", clients.Options{})
	r.send(0, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); err == nil || !strings.Contains(err.Error(), "all is well") || alive(r.pid()) {
		t.Errorf("%v, alive %v", err, alive(r.pid()))
	}
}

func TestStandardErrorIsKeptWhileTheHarnessIsSlow(t *testing.T) {
	r := open(t, "errors-after-an-answer", clients.Options{})
	slow := make(chan struct{})
	r.Send(t.Context(), clients.Record{Topic: "t", Value: []byte("a")}, func(clients.Result) { <-slow })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if info, err := os.Stat(r.log); err == nil && info.Size() == 10<<20+1 {
			break
		}
		if time.Now().After(deadline) {
			t.Error("standard error is not kept while a callback takes its time")
			break
		}
	}
	close(slow)
}

func TestWhatADriverSaidBeforeItDiedIsReadHoweverLate(t *testing.T) {
	r := open(t, "answers-and-dies", clients.Options{})
	first := make(chan clients.Result, 1)
	r.Send(t.Context(), clients.Record{Topic: "t", Value: []byte("a")}, func(result clients.Result) { first <- result })
	if err := <-r.broken; !strings.Contains(err.Error(), "ended by itself: signal: killed; its last lines: killed by a bug") {
		t.Error(err)
	}
	if got := <-first; got.Outcome != history.Acked {
		t.Errorf("%+v", got)
	}
}
