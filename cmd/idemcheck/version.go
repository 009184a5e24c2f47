package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/history"
)

// version is this build's version: the module's, or the commit it was built from.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := build.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "What this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintf(cmd.OutOrStdout(), "idemcheck %s\n%s %s/%s, franz-go %s, run directories of schema %d\n",
				version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, franz.Version(), history.Schema)
			return nil
		},
	}
}
