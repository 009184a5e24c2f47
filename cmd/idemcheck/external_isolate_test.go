package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/idemcheck/idemcheck/history"
)

// readmeHooks are the commands that the README shows, for this cluster's
// containers, and a file of them.
func (f *foreignCluster) readmeHooks(t *testing.T) (file string, commands map[string]string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	_, block, found := strings.Cut(string(readme), "\n      kill: ")
	block, _, ends := strings.Cut("      kill: "+block, "\n\n")
	if !found || !ends {
		t.Fatal("the README shows no hooks")
	}
	must(t, yaml.Unmarshal([]byte(strings.ReplaceAll("\n"+block, "\n      ", "\n")), &commands))
	for name, command := range commands {
		command = strings.ReplaceAll(command, "kafka-", f.container)
		commands[name] = strings.ReplaceAll(command, "nsenter ", asRoot()+"nsenter ")
	}
	return writeHooks(t, commands), commands
}

// asRoot goes before a command that only root can run.
func asRoot() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return "sudo -n "
}

func writeHooks(t *testing.T, commands map[string]string) (file string) {
	t.Helper()
	text, err := yaml.Marshal(commands)
	must(t, err)
	file = filepath.Join(t.TempDir(), "hooks.yaml")
	must(t, os.WriteFile(file, text, 0o600))
	return file
}

// isolation holds what faults say was seen of the cluster against what brokers'
// own networks dropped until they were healed.
func (f *foreignCluster) isolation(t *testing.T) {
	if out, err := exec.Command("sh", "-c", asRoot()+"nsenter --version").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, no broker of a foreign cluster was isolated: %v: %s", err, out)
	}
	dir, counts := t.TempDir(), t.TempDir()
	file, commands := f.readmeHooks(t)
	pid := "$(docker inspect -f '{{.State.Pid}}' " + f.container + "$BROKER_ID)"
	count := fmt.Sprintf("%[1]snsenter -n -t %[2]s iptables -nvxL > %[3]s/$BROKER_ID-$WAY\n", asRoot(), pid, counts)
	commands["heal"] = count + commands["heal"]
	c := cli(t, dir, "run", "--cluster", "external", "--bootstrap", f.open[0], "--hooks", writeHooks(t, commands),
		"faults/isolate-leader", "faults/isolate-broker-out")
	c.want(t, exitAsExpected, "2 as expected")
	stayed(t, dir)
	for i, want := range []struct {
		detail, way string
		in, out     int // peers of whose packets some were dropped
	}{
		{`leader \d+ -> \d+ after .*; whole again`, "both", 2, 2},
		{`held for dead after .*; whole again`, "out", 0, 2},
	} {
		run, err := history.Open(runDirs(t, dir)[i])
		must(t, err)
		ended := run.Faults[len(run.Faults)-1]
		if ended.Status != history.FaultEnded || !regexp.MustCompile(want.detail).MatchString(ended.Detail) {
			t.Errorf("%s: %+v, want %q", run.Manifest.Scenario, ended, want.detail)
		}
		var id int
		if _, err := fmt.Sscanf(ended.Target, "broker %d", &id); err != nil {
			t.Fatalf("target %q: %v", ended.Target, err)
		}
		table, err := os.ReadFile(filepath.Join(counts, fmt.Sprintf("%d-%s", id, want.way)))
		must(t, err)
		if in, out := dropped(string(table)); in != want.in || out != want.out {
			t.Errorf("%s: packets of %d peers dropped and to %d, want %d and %d:\n%s", run.Manifest.Scenario, in, out, want.in, want.out, table)
		}
	}
	// This one heals while the broker that was isolated is killed.
	c = cli(t, t.TempDir(), "run", "--cluster", "external", "--bootstrap", f.open[0], "--hooks", file, "faults/unclean-election")
	c.want(t, exitAsExpected, "1 as expected")
	for _, id := range foreignIDs {
		out, err := exec.Command("sh", "-c", strings.ReplaceAll(asRoot()+"nsenter -n -t "+pid+" iptables -S", "$BROKER_ID", strconv.Itoa(id))).CombinedOutput()
		if err != nil || strings.Contains(string(out), "DROP") {
			t.Errorf("broker %d was left isolated: %v\n%s", id, err, out)
		}
	}
}

// dropped reads the counters of iptables: from and to how many addresses there
// were packets that were dropped.
func dropped(table string) (in, out int) {
	chain := ""
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 1 && fields[0] == "Chain":
			chain = fields[1]
		case len(fields) > 2 && fields[2] == "DROP" && fields[0] != "0" && chain == "INPUT":
			in++
		case len(fields) > 2 && fields[2] == "DROP" && fields[0] != "0" && chain == "OUTPUT":
			out++
		}
	}
	return in, out
}
