// Package version orders version numbers as package registries have them, those
// of npm, PyPI, Go, Maven and crates.io alike. It leans on the standard library
// alone.
package version

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

var (
	released = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)*([.-]?post\.?[0-9]+)?(\+.*)?$`)
	numbered = regexp.MustCompile(`^v?([0-9]+(?:\.[0-9]+)*)`)
	word     = regexp.MustCompile(`[0-9]+|[a-z]+`)
)

// Stable says whether a version is a release: numbers alone, or with a post
// (PyPI) or build metadata behind. Anything else, 2.3.0-beta.1, 1.0rc1, is a
// pre-release, or no version at all.
func Stable(v string) bool { return released.MatchString(v) }

// Compare orders two versions: -1 when a is the older, 1 when b is, 0 when they
// are the same. Numbers count as numbers, and left out ones as 0; a pre-release
// comes before its release and a post after it; a leading v and build metadata
// count for nothing. Pre-releases of one release are ordered by their words and
// numbers, which is right for alpha, beta and rc.
func Compare(a, b string) int {
	x, y := split(a), split(b)
	for i := range max(len(x.numbers), len(y.numbers)) {
		if c := compareNumbers(at(x.numbers, i), at(y.numbers, i)); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(x.rank(), y.rank()); c != 0 {
		return c
	}
	for i := range min(len(x.suffix), len(y.suffix)) {
		if c := compareWords(x.suffix[i], y.suffix[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x.suffix), len(y.suffix))
}

// Sort orders versions, oldest first, each once.
func Sort(all []string) []string {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(Compare(a, b), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// parts are those of a version that its order depends on.
type parts struct {
	numbers []string
	suffix  []string // words and numbers, lower case
}

func split(v string) parts {
	v, _, _ = strings.Cut(v, "+")
	m := numbered.FindStringSubmatch(v)
	if m == nil {
		return parts{suffix: word.FindAllString(strings.ToLower(v), -1)}
	}
	return parts{strings.Split(m[1], "."), word.FindAllString(strings.ToLower(v[len(m[0]):]), -1)}
}

// rank puts pre-releases before their release, and posts behind it.
func (p parts) rank() int {
	switch {
	case len(p.suffix) == 0:
		return 0
	case p.suffix[0] == "post":
		return 1
	}
	return -1
}

func at(numbers []string, i int) string {
	if i < len(numbers) {
		return numbers[i]
	}
	return "0"
}

// compareNumbers compares numbers of any length: some are dates and times.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compareWords has numbers come before words.
func compareWords(a, b string) int {
	aNumber, bNumber := a[0] <= '9', b[0] <= '9'
	switch {
	case aNumber && bNumber:
		return compareNumbers(a, b)
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return strings.Compare(a, b)
}
