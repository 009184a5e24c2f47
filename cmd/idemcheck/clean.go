package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/cluster/docker"
)

func cleanCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove containers, networks and volumes that crashed runs left behind",
		Long: `Removes every container, network and volume of idemcheck whose process is gone. Run
directories are never touched.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, err := docker.Sweep(cmd.Context(), all)
			if err != nil {
				return broken(err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", removed)
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those of runs that are still going on: it breaks them")
	return cmd
}
