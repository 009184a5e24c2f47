package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/clients/drivertest"
)

func TestADriverIsTestedByName(t *testing.T) {
	dir := t.TempDir()
	c := cli(t, dir, "driver", "test", "--case", "ready", "--case", "acks-*", "--logs", "logs", program, "driver", "franz-go")
	c.want(t, exitAsExpected, "franz-go v", "order promised", "pass ready", "pass acks-0", "4 of 4 cases passed, 0 failed", "CASE.log")
	if strings.Contains(c.stdout, "note:") {
		t.Errorf("a good driver was given notes:\n%s", c.stdout)
	}
	c = cli(t, dir, "driver", "test", "--json", "--case", "flush-idle", program, "driver", "franz-go")
	var r drivertest.Result
	if err := json.Unmarshal([]byte(c.stdout), &r); err != nil || c.status != 0 || r.Case != "flush-idle" || r.Outcome != drivertest.Pass {
		t.Errorf("%d, %v: %s", c.status, err, c.stdout)
	}
}

func TestABrokenDriverIsToldWhatToDo(t *testing.T) {
	dir := t.TempDir()
	cli(t, dir, "driver", "test", "sh", "-c", "echo ready when you are; exit 7").want(t, exitViolation,
		"it does not open a producer", "FAIL ready", "what came is no event: ready when you are", "Nothing but events may go to standard output.",
		"do this:", "sent:    {", "came:    ready when you are", "ended by itself: exit status 7", "0 of 1 cases passed, 1 failed", "more cases wait")
	cli(t, dir, "driver", "test", "/nowhere/driver", "--flag", "of its own").want(t, exitBroken, "/nowhere/driver")
	cli(t, dir, "driver", "test").want(t, exitUsage, "which driver?")
	cli(t, dir, "driver", "test", "--case", "flash", "x").want(t, exitUsage, `no case "flash"`)
	cli(t, dir, "driver", "test", "--limit", "1ms", "x").want(t, exitUsage, "at least 1s")
	cli(t, dir, "driver", "test", "--list").want(t, exitAsExpected, "back-pressure", "must not fill the driver's memory without end")
}
