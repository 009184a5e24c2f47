package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/clients/consume"
)

// consumerCommand is what `idemcheck run` starts for scenarios with a consumer.
func consumerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "consumer",
		Short:  "Consume what standard input says; a run starts it by itself",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			signal.Reset(os.Interrupt, syscall.SIGTERM) // whoever started it ends it
			if err := consume.Serve(os.Stdin, os.Stdout); err != nil {
				return broken(err)
			}
			return nil
		},
	}
}
