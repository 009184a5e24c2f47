package runner

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

// describe is the manifest before anything has happened.
func describe(sc suites.Scenario, plan *history.Plan, c Config, kafka string, base time.Time) (*history.Manifest, error) {
	resolved, err := suites.Resolve(sc)
	if err != nil {
		return nil, err
	}
	expect := "pass"
	if sc.Expect.Violation != "" {
		expect = sc.Expect.Violation
	}
	return &history.Manifest{
		Schema: history.Schema, Run: history.RunID(plan.Seed, sc.Name+base.String()),
		Scenario: sc.Name, Folder: sc.Folder, Why: sc.Why, Claims: sc.Claims, Resolved: resolved, Seed: plan.Seed,
		Versions: history.Versions{
			Idemcheck: c.Version, Go: runtime.Version(), Kernel: kernel(), CPUs: runtime.NumCPU(),
		},
		Cluster: history.ClusterFacts{Kind: c.Cluster, Kafka: kafka, Image: c.Image}, ClockBase: base,
		Judge: history.Judge{Checks: sc.Check, Cover: sc.Cover, Expect: expect, ExpectAlso: sc.Expect.Also, ExpectCount: sc.Expect.Count},
		// Whether the plan forges answers is known before it does.
		Forged: slices.ContainsFunc(plan.Faults, func(f history.PlannedFault) bool {
			kind, err := nemesis.ByName(f.Fault)
			return err == nil && kind.Forges()
		}),
	}, nil
}

// kernel is the running kernel's release, where the system says it in the
// place where Linux does.
func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return runtime.GOOS + " " + strings.TrimSpace(string(text))
}

// options writes a client's options down as a scenario would.
func options(o suites.Options) map[string]string {
	text, err := json.Marshal(o)
	if err != nil {
		panic("runner: client options cannot be written down: " + err.Error())
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		panic("runner: client options cannot be read back: " + err.Error())
	}
	words := make(map[string]string, len(fields))
	for name, value := range fields {
		words[name] = fmt.Sprint(value)
	}
	return words
}
