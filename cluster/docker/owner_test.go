package docker

import (
	"os/exec"
	"testing"
)

func TestAnOwnerIsReadBackFromItsLabels(t *testing.T) {
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseOwner(me.labels())
	if err != nil || got != me {
		t.Errorf("owner %+v is read back as %+v (%v)", me, got, err)
	}
	for _, broken := range []map[string]string{
		nil,
		{labelPID: "x", labelStarted: "1", labelHost: "h"},
		{labelPID: "-4", labelStarted: "1", labelHost: "h"},
		{labelPID: "4", labelHost: "h"},
		{labelPID: "4", labelStarted: "1"},
	} {
		if got, err := parseOwner(broken); err == nil {
			t.Errorf("labels %v are read as %+v", broken, got)
		}
	}
}

func TestOnlyAnOwnerThatIsCertainlyGoneIsDead(t *testing.T) {
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	gone := deadOwner(t)
	for name, c := range map[string]struct {
		owner owner
		here  string
		dead  bool
	}{
		"this process":                        {me, me.host, false},
		"a process that exited":               {gone, me.host, true},
		"an earlier process of the same id":   {owner{me.pid, me.started + "0", me.host}, me.host, true},
		"a process of another host":           {owner{gone.pid, gone.started, "other/boot/ns"}, "here/boot/ns", false},
		"a process of an earlier boot":        {owner{me.pid, me.started, "here/boot1/ns"}, "here/boot2/ns", true},
		"a process of another namespace":      {owner{gone.pid, gone.started, "here/boot/ns1"}, "here/boot/ns2", false},
		"a process of who knows which origin": {owner{gone.pid, gone.started, "?"}, me.host, false},
	} {
		if c.owner.dead(c.here) != c.dead {
			t.Errorf("%s: dead is %v", name, !c.dead)
		}
	}
}

// deadOwner returns an owner that has just exited.
func deadOwner(t *testing.T) owner {
	t.Helper()
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	started, err := processStart(child.Process.Pid)
	child.Process.Kill()
	child.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return owner{pid: child.Process.Pid, started: started, host: me.host}
}

func TestTheStartTimeIsFoundBehindAnyCommandName(t *testing.T) {
	const rest = " S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 4096 1"
	for _, name := range []string{"sleep", "a b", "x) S 1 ("} {
		if got, err := parseStart("77 (" + name + ")" + rest); err != nil || got != "123456" {
			t.Errorf("start of %q is %q (%v)", name, got, err)
		}
	}
	for _, broken := range []string{"", "77 sleep", "77 (sleep) S 1"} {
		if got, err := parseStart(broken); err == nil {
			t.Errorf("start in %q is %q", broken, got)
		}
	}
}
