package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/images"
)

func doctorCommand() *cobra.Command {
	var kafka string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is missing to run on containers, and the command that mends it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			fmt.Fprintln(out, "embedded cluster: ready, it needs nothing but this program")
			findings := images.Check(cmd.Context(), kafka)
			for _, f := range findings {
				mark := "ok     "
				if !f.OK {
					mark = "MISSING"
				}
				fmt.Fprintf(out, "%s %s: %s\n", mark, f.Name, f.Detail)
				if !f.OK && f.Fix != "" {
					fmt.Fprintf(out, "        mend it with: %s\n", f.Fix)
				}
			}
			if len(images.Missing(findings)) > 0 {
				return exit(exitBroken)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&kafka, "kafka", defaultKafka, "Kafka `version` to look for")
	return cmd
}
