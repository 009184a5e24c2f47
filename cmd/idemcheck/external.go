package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/runner"
)

// preflightLimit is how long it may take to find an external cluster before
// anything is run on it.
const preflightLimit = 60 * time.Second

// outsideFlags is what `idemcheck run` was told about an external cluster.
// Passwords are in no flag: command lines are for everybody to read.
type outsideFlags struct {
	bootstrap           []string
	clientConfig, hooks string
	keepTopics          bool

	security *external.Security
	given    *external.Hooks
}

func (o *outsideFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.bootstrap, "bootstrap", nil, "`HOST:PORT` of brokers of your own cluster, with --cluster external")
	flags.StringVar(&o.clientConfig, "client-config", "", fmt.Sprintf("`file` of Kafka client properties: security.protocol, sasl.*, ssl.*; the password may be in %s instead", external.EnvPassword))
	flags.StringVar(&o.hooks, "hooks", "", "YAML `file` of commands that kill, stop, start, pause, resume, isolate and heal your brokers")
	flags.BoolVar(&o.keepTopics, "keep-topics", false, "leave the topics of runs on your cluster (else they are deleted)")
}

// check reads the files that the flags name.
func (o *outsideFlags) check(cmd *cobra.Command, cluster string) (err error) {
	if cluster != external.Kind {
		for _, name := range []string{"bootstrap", "client-config", "hooks", "keep-topics"} {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s needs --cluster external", name)
			}
		}
		return nil
	}
	for _, name := range []string{"kafka", "image", "runs-per-cluster"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s does not go with --cluster external: the cluster is as it is", name)
		}
	}
	if o.security, err = external.ReadClientConfig(o.clientConfig, os.Getenv); err != nil {
		return err
	}
	if len(o.bootstrap) == 0 {
		o.bootstrap = o.security.Bootstrap()
	}
	if len(o.bootstrap) == 0 {
		return errors.New("--cluster external needs --bootstrap HOST:PORT, or bootstrap.servers in --client-config")
	}
	if o.hooks != "" {
		if o.given, err = external.ReadHooks(o.hooks); err != nil {
			return err
		}
	}
	return nil
}

// outside is what a session runs on.
func (o *outsideFlags) outside(progress func(string)) runner.Outside {
	return runner.Outside{
		Config:     external.Config{Bootstrap: o.bootstrap, Security: o.security, Hooks: o.given, Progress: progress},
		KeepTopics: o.keepTopics,
	}
}

// preflight finds the cluster before any scenario runs: an address or password
// that is wrong is wrong for all of them.
func (o *outsideFlags) preflight(ctx context.Context, progress func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, preflightLimit, fmt.Errorf("it took longer than %s", preflightLimit))
	defer cancel()
	c, err := external.Find(ctx, o.outside(progress).Config)
	if err != nil {
		return err
	}
	progress(fmt.Sprintf("brokers %v, %s, %s", c.Facts().Brokers, c.Facts().Kafka, o.security))
	return c.Close(ctx)
}

// describe says what is run on, and nothing secret.
func (o *outsideFlags) describe() string {
	return "external cluster at " + strings.Join(o.bootstrap, ", ") + ", " + o.security.String()
}

// again is how the flags are given once more.
func (o *outsideFlags) again() (words []string) {
	words = append(words, "--bootstrap", strings.Join(o.bootstrap, ","))
	if o.clientConfig != "" {
		words = append(words, "--client-config", o.clientConfig)
	}
	if o.hooks != "" {
		words = append(words, "--hooks", o.hooks)
	}
	return words
}
