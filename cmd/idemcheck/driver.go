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
// a process of their own, and what tests drivers.
func driverCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "driver LIBRARY",
		Short: "Drive one producer of a built-in library from standard input, or test a driver program",
		Long: `With the name of a library that is built in, this is its driver program: it takes
commands on standard input and gives events on standard output, as
clients/driver/PROTOCOL.md describes. A run starts it by itself.`,
		Args: cobra.ExactArgs(1),
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
	cmd.AddCommand(driverTestCommand())
	return cmd
}
