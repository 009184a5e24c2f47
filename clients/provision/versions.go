package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/history/version"
)

// listLimit is how long a registry may take to say which versions it has.
const listLimit = 5 * time.Minute

// Versions lists the versions of a library that can be asked for: what its
// registry has, oldest first, from the oldest that our driver is for,
// pre-releases left out. It asks by the tool that builds the driver (npm, pip,
// go, mvn, cargo), so that the user's mirrors and settings count. That a version
// is listed does not mean that it builds. The newest that was tried is listed
// even if the registry leaves it out: it can be had all the same. See
// Library.ListNote for what a list may lack.
func Versions(ctx context.Context, name string) ([]string, error) {
	library, err := ByName(name)
	if err != nil {
		return nil, err
	}
	if err := library.Ready(); err != nil {
		return nil, fmt.Errorf("client %s: list its versions: %w", library.Name, err)
	}
	all, err := library.listed(ctx)
	if err != nil {
		return nil, fmt.Errorf("client %s: list its versions: %w", library.Name, err)
	}
	all = slices.DeleteFunc(append(all, library.Newest), func(v string) bool {
		return !version.Stable(v) || plain(v) != nil || version.Compare(v, library.Oldest) < 0
	})
	return version.Sort(all), nil
}

// listed asks the registry, with a folder for scratch.
func (l Library) listed(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, listLimit, fmt.Errorf("it took longer than %s: does the registry answer?", listLimit))
	defer cancel()
	dir, err := os.MkdirTemp("", "idemcheck-versions-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b, err := newBuilder(filepath.Join(dir, "work"), "", nil)
	if err != nil {
		return nil, err
	}
	defer b.close()
	all, err := l.list(ctx, b)
	if err == nil && len(all) == 0 {
		err = errors.New("the registry lists none: is it the right one?")
	}
	return all, err
}

// list asks npm, which answers with a text alone where there is one version.
func (n npmLibrary) list(ctx context.Context, b *builder) ([]string, error) {
	var out bytes.Buffer
	if err := b.capture(ctx, step{command: []string{"npm", "view", n.pkg, "versions", "--json", "--no-update-notifier"}}, &out); err != nil {
		return nil, err
	}
	var all []string
	if json.Unmarshal(out.Bytes(), &all) == nil {
		return all, nil
	}
	var one string
	if err := json.Unmarshal(out.Bytes(), &one); err != nil {
		return nil, fmt.Errorf("npm view %s versions: what it said is no list: %w", n.pkg, err)
	}
	return []string{one}, nil
}

var pipVersions = regexp.MustCompile(`(?m)^Available versions: (.+)$`)

// list asks pip for the versions that have a wheel for this machine and Python.
func (p pypiLibrary) list(ctx context.Context, b *builder) ([]string, error) {
	pip, err := environment(ctx, b, "python3")
	if err != nil {
		return nil, err
	}
	// The way to list versions that pip has, since 21.2.
	command := slices.Concat(pip, []string{"index", "versions", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", p.pack})
	var out bytes.Buffer
	if err := b.capture(ctx, step{command: command}, &out); err != nil {
		return nil, err
	}
	m := pipVersions.FindStringSubmatch(out.String())
	if m == nil {
		return nil, fmt.Errorf("pip index versions %s: it named none", p.pack)
	}
	return strings.Split(strings.TrimSpace(m[1]), ", "), nil
}

// list asks the module proxy for what goes by the library's path, and for what
// went by the one before.
func (g goLibrary) list(ctx context.Context, b *builder) ([]string, error) {
	var all []string
	for _, path := range []string{g.was, g.module} {
		if path == "" {
			continue
		}
		var out bytes.Buffer
		env := []string{"GOFLAGS=-mod=mod", "GOWORK=off"}
		if err := b.capture(ctx, step{env: env, command: []string{"go", "list", "-m", "-versions", path}}, &out); err != nil {
			return nil, err
		}
		for i, v := range strings.Fields(out.String()) {
			// The path comes first. A repository's tags are listed under both of its
			// paths; each version can be had by one of them.
			if v = strings.TrimPrefix(v, "v"); i > 0 && g.path(v) == path {
				all = append(all, v)
			}
		}
	}
	return all, nil
}

// mostCrates bounds how often cargo is asked.
const mostCrates = 200

// list asks cargo for the newest version before the last one, until there is
// none: it has no command that lists them. Yanked versions are left out.
func (c cargoLibrary) list(ctx context.Context, b *builder, oldest string) ([]string, error) {
	if err := b.write("src/lib.rs", ""); err != nil {
		return nil, err
	}
	var all []string
	requirement := ">=" + oldest
	for len(all) < mostCrates {
		manifest := fmt.Sprintf("[package]\nname = \"versions\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\n%s = %q\n\n[workspace]\n", c.crate, requirement)
		if err := b.write("Cargo.toml", manifest); err != nil {
			return nil, err
		}
		if err := os.RemoveAll(b.path("Cargo.lock")); err != nil {
			return nil, err
		}
		err := b.run(ctx, step{env: []string{"CARGO_TERM_COLOR=never"}, command: []string{"cargo", "generate-lockfile"}})
		if err != nil && len(all) > 0 && strings.Contains(err.Error(), "for the requirement `"+c.crate+" = ") {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		locked, err := os.ReadFile(b.path("Cargo.lock"))
		if err != nil {
			return nil, err
		}
		v := lockedVersion(string(locked), c.crate)
		if v == "" || slices.Contains(all, v) {
			return nil, fmt.Errorf("cargo found no version of %s for %s, and did not say so", c.crate, requirement)
		}
		all = append(all, v)
		requirement = fmt.Sprintf(">=%s, <%s", oldest, v)
	}
	return all, nil
}

// lockedVersion is the version of a crate in a Cargo.lock; empty when there is
// none.
func lockedVersion(lock, crate string) string {
	_, after, ok := strings.Cut(lock, fmt.Sprintf("name = %q\nversion = \"", crate))
	if !ok {
		return ""
	}
	v, _, _ := strings.Cut(after, `"`)
	return v
}
