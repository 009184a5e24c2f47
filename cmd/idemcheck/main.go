// Command idemcheck puts retries and idempotent producers of Kafka to the test.
//
// This package is the only place that reads flags, prints and exits: a file
// per verb.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitAsExpected   = 0
	exitViolation    = 1
	exitInconclusive = 2
	exitBroken       = 3
	exitUsage        = 64
)

func main() {
	ctx, caught := interruptible()
	status := run(ctx, os.Args[1:])
	if sig := caught(); sig != nil {
		dieOf(sig)
	}
	os.Exit(status)
}

// run executes the command line and returns the exit status.
func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var status exitError
	switch {
	case err == nil:
		return exitAsExpected
	case errors.As(err, &status):
		if status.err != nil {
			fmt.Fprintln(os.Stderr, "idemcheck:", status.err)
		}
		return status.status
	}
	// What cobra itself finds wrong (an unknown verb, flag or value) is usage.
	fmt.Fprintln(os.Stderr, "idemcheck:", err)
	fmt.Fprintln(os.Stderr, "run `idemcheck --help`, or `idemcheck VERB --help`")
	return exitUsage
}

// exitError carries an exit status through cobra. err may be nil when
// everything has been said.
type exitError struct {
	status int
	err    error
}

func (e exitError) Error() string { return fmt.Sprintf("exit %d: %v", e.status, e.err) }

func (e exitError) Unwrap() error { return e.err }

// usage is the error for words that make no sense.
func usage(err error) error { return exitError{exitUsage, err} }

// broken is the error for what could not do its job.
func broken(err error) error { return exitError{exitBroken, err} }

// exit is the error for a status without words.
func exit(status int) error {
	if status == exitAsExpected {
		return nil
	}
	return exitError{status: status}
}

// stopped is the cause of a context that a signal ended.
type stopped struct{ signal os.Signal }

func (s stopped) Error() string { return "stopped by " + s.signal.String() }

// interruptible returns a context that the first SIGINT or SIGTERM ends: what
// is under way is then healed, written down and swept. A second one kills the
// process at once. caught says which signal it was, nil for none.
func interruptible() (ctx context.Context, caught func() os.Signal) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		sig := <-signals
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		fmt.Fprintf(os.Stderr, "\nidemcheck: %s: healing, writing down and cleaning up (again to give up at once)\n", sig)
		cancel(stopped{sig})
	}()
	return ctx, func() os.Signal {
		var s stopped
		if errors.As(context.Cause(ctx), &s) {
			return s.signal
		}
		return nil
	}
}

// dieOf ends the process by the signal that stopped it, so that a shell or a
// CI system sees what happened.
func dieOf(sig os.Signal) {
	number, ok := sig.(syscall.Signal)
	if !ok {
		os.Exit(exitBroken)
	}
	_ = syscall.Kill(os.Getpid(), number)
	// A shell starts what it puts in the background with SIGINT ignored, and an
	// ignored signal ends nobody: then the status has to say it.
	time.Sleep(signalled)
	os.Exit(128 + int(number))
}

// signalled is how long the signal may take to arrive.
const signalled = 200 * time.Millisecond

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "idemcheck",
		Short: "Does this client, on this broker, keep its promise?",
		Long: `idemcheck puts retries and idempotent producers of Kafka to the test: it loses
acknowledgements, kills leaders and worse while producers send, then reads every
record back and says, with evidence: duplicates? losses? reordering? whose fault?

Exit status: 0 everything as expected; 1 a guarantee was violated, or an expected
violation was not found; 2 inconclusive; 3 the harness, a cluster or a client
could not do its job; 64 wrong usage.`,
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(consumerCommand(), runCommand(), checkCommand(), showCommand(), listCommand(),
		doctorCommand(), cleanCommand(), versionCommand(), driverCommand(), conformCommand(), replayCommand(), shrinkCommand(), bisectCommand())
	return root
}
