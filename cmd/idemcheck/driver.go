package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/franz"
)

// driverCommand is what `idemcheck run` starts for producers that are to be in
// a process of their own. People have no use for it, so help does not list it.
func driverCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "driver LIBRARY",
		Short:  "Drive one producer from standard input (clients/driver/PROTOCOL.md)",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] != franz.Name {
				return usage(fmt.Errorf("no driver for %q is built in (there is %s)", args[0], strings.Join([]string{franz.Name}, ", ")))
			}
			signal.Reset(os.Interrupt, syscall.SIGTERM) // nothing is to be healed here
			if err := driver.Serve(franz.Library{Log: os.Stderr}, os.Stdin, os.Stdout); err != nil {
				return broken(err)
			}
			return nil
		},
	}
}
