// Package provision has driver programs at hand for client libraries: from the
// library's ordinary package registry and the driver's source in
// clients/drivers, LIBRARY@VERSION is built once into a cache, and found there
// from then on, without a network. A file for each ecosystem says how.
//
// It knows nothing of the protocol that a driver speaks.
package provision

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Library is a client library that can be had.
type Library struct {
	Name     string   // what --client and scenarios call it: kafkajs
	Aliases  []string // other names that people have for it
	Explain  string   // in a line: language, registry and package
	Newest   string   // the version taken when none is named: the newest one tried
	Versions string   // which versions were tried, for people
	Oldest   string   // the oldest version that its driver is for
	// ListNote says what is to be known of the list that its registry gives
	// (Versions); empty when that is all there is.
	ListNote string
	// tools are the programs that building needs, each with where it is had.
	tools []tool
	// build makes the driver program in an empty folder and returns the command
	// that runs it. "{dir}" in it stands for that folder.
	build func(ctx context.Context, b *builder) (command []string, err error)
	// list asks the registry for the versions that it has, in any order, with the
	// builder's folder for scratch.
	list func(ctx context.Context, b *builder) ([]string, error)
	// source is what the driver is made of, by path. It is part of the cache's
	// key: another driver is another entry.
	source func() map[string][]byte
}

// Ready says whether the tools that building its driver needs are at hand.
func (l Library) Ready() error {
	for _, t := range l.tools {
		if err := t.find(); err != nil {
			return err
		}
	}
	return nil
}

// All lists every library, by name.
func All() []Library {
	all := slices.Concat(goLibraries(), mavenLibraries(), pypiLibraries(), npmLibraries(), cargoLibraries())
	slices.SortFunc(all, func(a, b Library) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ByName finds a library.
func ByName(name string) (Library, error) {
	all := All()
	if i := slices.IndexFunc(all, func(l Library) bool { return l.Name == name || slices.Contains(l.Aliases, name) }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, l := range all {
		names = append(names, l.Name)
	}
	return Library{}, fmt.Errorf("unknown client library %q (there are %s; for a driver of your own give its path, ./my-driver)", name, strings.Join(names, ", "))
}

// Split takes LIBRARY[@VERSION] apart, also for a package whose own name begins
// with an @. The version is without a leading "v", and empty when none is named.
func Split(spec string) (name, version string) {
	at := strings.LastIndexByte(spec, '@')
	if at <= 0 {
		return spec, ""
	}
	return spec[:at], strings.TrimPrefix(spec[at+1:], "v")
}

// Check says whether a client library is named so, LIBRARY or LIBRARY@VERSION.
// Whether there is such a version its registry knows.
func Check(spec string) error {
	name, version := Split(spec)
	if _, err := ByName(name); err != nil {
		return err
	}
	if version == "" && strings.HasSuffix(spec, "@") || version != "" && plain(version) != nil {
		return fmt.Errorf("client %q: want LIBRARY or LIBRARY@VERSION, with a version as its registry has it, like %s@1.2.3", spec, name)
	}
	return nil
}

// Whole names a library and its version, the newest when none is named.
func Whole(spec string) string {
	name, version := Split(spec)
	if l, err := ByName(name); err == nil {
		return l.Name + "@" + cmp.Or(version, l.Newest)
	}
	return spec
}

// Same says whether two versions are the same one, with or without a "v".
func Same(a, b string) bool { return strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v") }

// plain is a version in the characters that every registry's versions have, so
// that it can be part of a path and of a command line.
func plain(version string) error {
	ok := version != "" && version[0] != '-' && version[0] != '.'
	for _, c := range version {
		ok = ok && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("._-+", c))
	}
	if !ok {
		return fmt.Errorf("version %q: want a version as its registry has it, like 1.2.3", version)
	}
	return nil
}
