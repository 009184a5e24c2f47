package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/conformance"
	"github.com/idemcheck/idemcheck/conformance/matrix"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
)

// conformFlags is what `idemcheck conform` was told.
type conformFlags struct {
	cluster, image string
	kafka          []string // versions
	cases, groups  []string
	list, json     bool
	expected, as   string
	junit, html    string
	summaries      []string
	outside        outsideFlags

	asVersion history.KafkaVersion // of as; the zero version is to be found out
	chosen    []conformance.Case
}

func conformCommand() *cobra.Command {
	var f conformFlags
	cmd := &cobra.Command{
		Use:   "conform",
		Short: "Hold a broker to what Kafka promises about idempotent producers, on the wire",
		Long: `Holds short conversations with a broker over plain connections, each about one
promise, and compares its answers and its logs with what the version of Kafka
promises. Without a flag it looks at kfake, in this process.

A verdict is pass; non-strict (differs, and harms nobody); fail; informational
(nothing is promised); not-applicable (the broker, or this program on it, can't
do what the case needs); or error (the case could not be held).`,
		Example: `  idemcheck conform --kafka 4.3.1
  idemcheck conform --kafka 3.7.2,3.9.2,4.0.2,4.1.2,4.2.1,4.3.1 --summary matrix.md --html matrix.html
  idemcheck conform --bootstrap broker:9092 --expected deviations.yaml --junit conform.xml
  idemcheck conform --bootstrap broker:9093 --client-config client.properties --hooks hooks.yaml
  idemcheck conform --kafka 4.3.1 --case 13 --case sixth-back
  idemcheck conform --kafka 4.3.1 --group restart
  idemcheck conform --list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return usage(err)
			}
			if f.list {
				return f.print(cmd.OutOrStdout())
			}
			return f.run(cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.cluster, "cluster", "", "what to look at: embedded (kfake), docker (brokers of --kafka in containers) or external (your own); found out from the other flags if left out")
	flags.StringSliceVar(&f.kafka, "kafka", nil, "Kafka `version`, or several of them, which give a column each: 3.9.2,4.3.1")
	flags.StringVar(&f.image, "image", "", "image `reference` in place of the version's own")
	flags.StringSliceVar(&f.cases, "case", nil, "`number or name` of a case, or several of them (default: all)")
	flags.StringSliceVar(&f.groups, "group", nil, "`group` of cases, or several of them")
	flags.BoolVar(&f.list, "list", false, "name the cases, with the promise of each, and do nothing")
	flags.StringVar(&f.as, "as", "", "Kafka `version` whose rules the broker is held to (default: its own, or the newest whose requests it knows)")
	flags.StringVar(&f.expected, "expected", "", "YAML `file` of known deviations, each with a reason")
	flags.StringVar(&f.junit, "junit", "", "write a JUnit report to this `file`")
	flags.StringVar(&f.html, "html", "", "write a page to this `file`, in which each cell opens its conversation")
	flags.StringArrayVar(&f.summaries, "summary", nil, "write the matrix to this `file`: a page where it ends in .md, a record where it ends in .json")
	flags.BoolVar(&f.json, "json", false, "print the record on standard output; progress goes to standard error")
	f.outside.add(cmd)
	_ = cmd.RegisterFlagCompletionFunc("cluster", cobra.FixedCompletions([]string{"embedded", "docker", "external"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check finds out what to look at, and wants every word to make sense.
func (f *conformFlags) check(cmd *cobra.Command) (err error) {
	given := cmd.Flags().Changed
	if f.cluster == "" {
		switch {
		case given("bootstrap") || given("client-config"):
			f.cluster = "external"
		case given("kafka") || given("image"):
			f.cluster = "docker"
		default:
			f.cluster = "embedded"
		}
	}
	switch {
	case !slices.Contains([]string{"embedded", "docker", "external"}, f.cluster):
		return fmt.Errorf("--cluster %q: want embedded, docker or external", f.cluster)
	case f.cluster == "embedded" && (given("kafka") || given("image")):
		return errors.New("--kafka and --image need --cluster docker: the embedded cluster is kfake, of one version")
	case f.cluster == "docker" && f.image != "" && len(f.kafka) > 1:
		return errors.New("--image is of one version, and --kafka names several")
	}
	if err := f.outside.check(cmd, f.cluster); err != nil {
		return err
	}
	if f.cluster == "docker" && f.image == "" {
		if len(f.kafka) == 0 {
			f.kafka = []string{defaultKafka}
		}
		if err := checkVersions(f.kafka); err != nil {
			return err
		}
	}
	if f.as != "" {
		if f.asVersion, err = history.ParseKafkaVersion(f.as); err != nil {
			return fmt.Errorf("--as: %w", err)
		}
	}
	if err := checkSummaries(f.summaries, ".md", ".json"); err != nil {
		return err
	}
	f.chosen, err = conformance.Select(f.cases, f.groups)
	return err
}

// print lists the chosen cases by group.
func (f *conformFlags) print(w io.Writer) error {
	for _, g := range conformance.Groups() {
		var entries []entry
		for _, c := range f.chosen {
			if c.Group == g[0] {
				entries = append(entries, entry{fmt.Sprintf("%2d %s", c.Number, c.Name), c.Promise + " [" + c.Source + "]"})
			}
		}
		if len(entries) > 0 {
			fmt.Fprintf(w, "%s: %s\n", g[0], g[1])
			table(w, entries)
		}
	}
	return nil
}

// matrix is what cases come to, before any is held.
func (f *conformFlags) matrix() matrix.Matrix {
	m := matrix.Matrix{Made: time.Now(), Idemcheck: version(), Command: f.again()}
	for _, c := range f.chosen {
		m.Cases = append(m.Cases, c.Case)
	}
	return m
}

func (f *conformFlags) run(cmd *cobra.Command) error {
	human := os.Stdout
	if f.json {
		human = os.Stderr
	}
	m := f.matrix()
	var known []matrix.Expected
	if f.expected != "" {
		var all []matrix.Case
		for _, c := range conformance.Cases() {
			all = append(all, c.Case)
		}
		var err error
		if known, err = matrix.ReadExpected(f.expected, all); err != nil {
			return usage(err)
		}
	}
	screen := newProgress(os.Stderr)
	var stopped error
	for _, kafka := range f.columns() {
		m.Columns = append(m.Columns, f.column(cmd.Context(), kafka, screen))
		if stopped = cmd.Context().Err(); stopped != nil {
			break
		}
	}
	m.Expect(known)
	err := errors.Join(f.write(m), stopped)
	if f.json {
		err = errors.Join(err, json.NewEncoder(os.Stdout).Encode(m))
	}
	report.Conformance(human, newProgress(human).style(), m)
	if err != nil {
		return broken(err)
	}
	return exit(m.ExitStatus())
}

// columns are the versions to look at; one that is empty where there is none to
// choose.
func (f *conformFlags) columns() []string {
	if f.cluster == "docker" && f.image == "" {
		return f.kafka
	}
	return []string{strings.Join(f.kafka, "")}
}

// write writes the reports that were asked for.
func (f *conformFlags) write(m matrix.Matrix) error {
	var errs []error
	to := func(flag, path string, write func(io.Writer, matrix.Matrix) error) {
		errs = append(errs, writeTo(flag, path, m, write))
	}
	if f.junit != "" {
		to("junit", f.junit, report.ConformanceJUnit)
	}
	if f.html != "" {
		to("html", f.html, report.ConformanceHTML)
	}
	for _, path := range f.summaries {
		if filepath.Ext(path) == ".md" {
			to("summary", path, report.ConformanceMarkdown)
		} else {
			to("summary", path, asJSON[matrix.Matrix])
		}
	}
	return errors.Join(errs...)
}

// again is the command that makes the matrix once more.
func (f *conformFlags) again() string {
	words := []string{"idemcheck conform"}
	switch {
	case f.cluster == "external":
		words = append(words, f.outside.again()...)
	case f.cluster == "docker" && f.image != "":
		words = append(words, "--image", f.image)
	}
	if len(f.kafka) > 0 {
		words = append(words, "--kafka", strings.Join(f.kafka, ","))
	}
	if f.as != "" {
		words = append(words, "--as", f.as)
	}
	for _, c := range f.cases {
		words = append(words, "--case", c)
	}
	for _, g := range f.groups {
		words = append(words, "--group", g)
	}
	if f.expected != "" {
		words = append(words, "--expected", f.expected)
	}
	return strings.Join(words, " ")
}

// column holds the cases on one cluster, and ends it.
func (f *conformFlags) column(ctx context.Context, kafka string, screen *progress) matrix.Column {
	column := matrix.Column{Name: f.name(kafka)}
	began := time.Now()
	on, end, err := f.start(ctx, kafka, screen)
	if err != nil {
		column.Broken = err.Error()
		return column
	}
	column.Broker = on.Cluster.Facts().Kafka
	screen.note(fmt.Sprintf("%s: up after %s", column.Name, time.Since(began).Round(100*time.Millisecond)))
	began = time.Now()
	column.Cells, err = conformance.Run(ctx, on, f.chosen, func(c conformance.Case, cell matrix.Cell) {
		if cell.Verdict != matrix.Pass {
			screen.note(fmt.Sprintf("%s: %d %s: %s", column.Name, c.Number, c.Name, cell.Verdict))
		}
	})
	column.As = on.As.String()
	screen.note(fmt.Sprintf("%s: %d cases in %s", column.Name, len(column.Cells), time.Since(began).Round(100*time.Millisecond)))
	if err = errors.Join(err, end()); err != nil {
		column.Broken = err.Error()
	}
	return column
}
