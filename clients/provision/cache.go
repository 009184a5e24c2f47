package provision

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Cache keeps built drivers, a folder for each library, version and driver
// source. Several processes may use it at once.
type Cache struct {
	Dir string
	// Progress, when not nil, is told what takes long.
	Progress func(string)
	// Offline fails instead of building what is not there.
	Offline bool
}

// DefaultDir is where drivers are kept unless said otherwise: IDEMCHECK_CACHE,
// or idemcheck's folder in the user's cache.
func DefaultDir() (string, error) {
	if dir := os.Getenv("IDEMCHECK_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep client libraries in (set IDEMCHECK_CACHE to one): %w", err)
	}
	return filepath.Join(dir, "idemcheck"), nil
}

// Driver is a driver program that is ready to run.
type Driver struct {
	Library string
	Version string // as it was asked for
	Command []string
	Took    time.Duration // building; 0 when it was there
}

// ready is what ready.json in a driver's folder says. It is written last.
type ready struct {
	Library string    `json:"library"`
	Version string    `json:"version"`
	Command []string  `json:"command"` // {dir} stands for the folder
	Built   time.Time `json:"built"`
	Seconds float64   `json:"seconds"`
}

const readyName = "ready.json"

// buildLimit is how long building one driver may take: the slowest compiles a C
// library.
const buildLimit = 15 * time.Minute

// Driver returns the driver of a library at a version, empty for the newest. It
// builds it unless it is there. The error says what is missing, or what the
// build or the registry said.
func (c Cache) Driver(ctx context.Context, name, version string) (Driver, error) {
	library, err := ByName(name)
	if err != nil {
		return Driver{}, err
	}
	if c.Dir == "" {
		return Driver{}, fmt.Errorf("client %s: no folder is given to keep its driver in", name)
	}
	if version = strings.TrimPrefix(version, "v"); version == "" {
		version = library.Newest
	}
	spec := library.Name + "@" + version
	if err := plain(version); err != nil {
		return Driver{}, fmt.Errorf("client %s: %w", spec, err)
	}
	source := library.source()
	dir := filepath.Join(c.Dir, "drivers", spec+"-"+digest(source))
	if found, err := load(dir); err == nil {
		return found, nil
	}
	if c.Offline {
		return Driver{}, fmt.Errorf("client %s is not in the cache %s, and building is off", spec, c.Dir)
	}
	if err := library.Ready(); err != nil {
		return Driver{}, fmt.Errorf("client %s: %w", spec, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return Driver{}, fmt.Errorf("client %s: the cache: %w", spec, err)
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return Driver{}, fmt.Errorf("client %s: wait for another process that builds it: %w", spec, err)
	}
	defer unlock()
	if found, err := load(dir); err == nil { // another process has built it meanwhile
		return found, nil
	}
	return c.build(ctx, library, version, dir, source)
}

func (c Cache) build(ctx context.Context, library Library, version, dir string, source map[string][]byte) (Driver, error) {
	spec := library.Name + "@" + version
	if c.Progress != nil {
		c.Progress(fmt.Sprintf("building client %s (once; kept in %s)", spec, c.Dir))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, buildLimit, fmt.Errorf("it took longer than %s", buildLimit))
	defer cancel()
	began := time.Now()
	b, err := newBuilder(dir, version, source)
	if err != nil {
		return Driver{}, fmt.Errorf("client %s: the cache: %w", spec, err)
	}
	command, err := library.build(ctx, b)
	b.close()
	if err != nil {
		// The log outlives the attempt, so that it can be read.
		return Driver{}, fmt.Errorf("client %s cannot be built: %w (the whole output is in %s)", spec, err, b.logName)
	}
	took := time.Since(began)
	text, err := json.MarshalIndent(ready{library.Name, version, command, time.Now().UTC(), took.Seconds()}, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, readyName+".part"), append(text, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(filepath.Join(dir, readyName+".part"), filepath.Join(dir, readyName))
	}
	if err != nil {
		return Driver{}, fmt.Errorf("client %s: the cache: %w", spec, err)
	}
	found, err := load(dir)
	found.Took = took
	return found, err
}

// load reads a folder that is complete.
func load(dir string) (Driver, error) {
	text, err := os.ReadFile(filepath.Join(dir, readyName))
	if err != nil {
		return Driver{}, err
	}
	var r ready
	if err := json.Unmarshal(text, &r); err != nil {
		return Driver{}, err
	}
	d := Driver{Library: r.Library, Version: r.Version}
	for _, word := range r.Command {
		d.Command = append(d.Command, strings.ReplaceAll(word, "{dir}", dir))
	}
	if len(d.Command) == 0 {
		return Driver{}, errors.New("it has no command")
	}
	if strings.HasPrefix(d.Command[0], dir) {
		if _, err := os.Stat(d.Command[0]); err != nil {
			return Driver{}, err // somebody has cleaned up half of it
		}
	}
	return d, nil
}

// Kept lists the drivers that are in the cache, as LIBRARY@VERSION, of whatever
// driver source.
func (c Cache) Kept() []string {
	found, _ := filepath.Glob(filepath.Join(c.Dir, "drivers", "*", readyName))
	var specs []string
	for _, file := range found {
		if d, err := load(filepath.Dir(file)); err == nil {
			specs = append(specs, d.Library+"@"+d.Version)
		}
	}
	slices.Sort(specs)
	return slices.Compact(specs)
}

// digest is short for what a driver is made of.
func digest(source map[string][]byte) string {
	sum := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(source)) {
		fmt.Fprintf(sum, "%s %d\n", path, len(source[path]))
		sum.Write(source[path])
	}
	return fmt.Sprintf("%x", sum.Sum(nil))[:10]
}

// files reads a tree of embedded files, each path behind a prefix.
func files(from fs.FS, root, prefix string) map[string][]byte {
	all := make(map[string][]byte)
	err := fs.WalkDir(from, root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(from, path)
		if err == nil {
			inside := strings.TrimPrefix(strings.TrimPrefix(path, root), "/")
			all[filepath.ToSlash(filepath.Join(prefix, inside))] = text
		}
		return err
	})
	if err != nil {
		panic("provision: embedded files: " + err.Error())
	}
	return all
}

// together puts several sets of files into one.
func together(sets ...map[string][]byte) map[string][]byte {
	all := make(map[string][]byte)
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}
