package images

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Finding is one thing that running Kafka in containers needs, and whether this
// machine has it.
type Finding struct {
	Name string // "container engine"
	OK   bool
	// Detail says what was found, or what is wrong.
	Detail string
	// Fix is the command that provides it, or what to do; empty when OK.
	Fix string
}

// Check looks at what images of the given Kafka version need, in the order in
// which it should be put right. It changes nothing.
func Check(ctx context.Context, version string) []Finding {
	var all []Finding
	e, err := connect(ctx)
	if err != nil {
		all = append(all, Finding{Name: "container engine", Detail: err.Error(), Fix: "scripts/setup-debian.sh --engine-only"})
	} else {
		defer e.close()
		all = append(all, Finding{Name: "container engine", OK: true, Detail: "answers at " + e.api.DaemonHost() + ", API " + e.api.ClientVersion()})
	}
	if version != "" {
		all = append(all, checkImage(ctx, e, "Kafka image", Reference(version), "go run ./images/cmd/build-image --kafka "+version))
	}
	all = append(all,
		checkImage(ctx, e, "base image", BaseReference, "go run ./images/cmd/build-image --base-only"),
		checkMaven(), checkDebootstrap())
	return all
}

// Missing keeps the findings that are not in order.
func Missing(all []Finding) []Finding {
	var missing []Finding
	for _, f := range all {
		if !f.OK {
			missing = append(missing, f)
		}
	}
	return missing
}

func checkImage(ctx context.Context, e *engine, name, ref, fix string) Finding {
	f := Finding{Name: name, Detail: ref + " cannot be looked for without an engine", Fix: fix}
	if e == nil {
		return f
	}
	switch ok, err := e.has(ctx, ref); {
	case err != nil:
		f.Detail = err.Error()
	case !ok:
		f.Detail = ref + " is not on this engine"
	default:
		return Finding{Name: name, OK: true, Detail: ref}
	}
	return f
}

func checkMaven() Finding {
	path, err := exec.LookPath("mvn")
	if err != nil {
		return Finding{Name: "mvn", Detail: "there is no mvn on the PATH to fetch Kafka's jars with", Fix: "apt-get install maven"}
	}
	return Finding{Name: "mvn", OK: true, Detail: path}
}

func checkDebootstrap() Finding {
	f := Finding{Name: "debootstrap"}
	for _, tool := range []string{"debootstrap", "unshare", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			f.Detail = fmt.Sprintf("there is no %s on the PATH to make the base image with", tool)
			f.Fix = "apt-get install debootstrap util-linux tar"
			return f
		}
	}
	if uid := os.Geteuid(); uid != 0 {
		f.Detail = fmt.Sprintf("debootstrap needs root, and this is user %d", uid)
		f.Fix = "sudo scripts/setup-debian.sh"
		return f
	}
	f.OK, f.Detail = true, "there, and this is root"
	return f
}
