package version

import (
	"slices"
	"testing"
)

func TestVersionsAreOrderedAsTheirRegistriesDo(t *testing.T) {
	for name, rising := range map[string][]string{
		"numbers are no text":           {"0.9.0", "0.10.0", "0.10.0.1", "0.11.0.0", "1.0.0", "2.10.0", "10.0.0"},
		"npm's pre-releases":            {"2.2.4", "2.3.0-alpha.1", "2.3.0-alpha.beta", "2.3.0-beta.2", "2.3.0-beta.10", "2.3.0-rc.1", "2.3.0", "2.3.1-beta.0"},
		"PyPI's pre-releases and posts": {"1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1"},
		"Maven's":                       {"0.8.2-beta", "0.8.2.0", "3.0.0-rc1", "3.0.0", "3.0.1"},
		"Go's pseudo-versions":          {"v0.0.0-20190101000000-abcdef123456", "v0.0.0-20200101000000-0bcdef123456", "v0.0.1", "v1.2.0+incompatible"},
		"numbers before words":          {"1.0-1", "1.0-a", "1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			for i, a := range rising {
				for k, b := range rising {
					want := 0
					if i < k {
						want = -1
					} else if i > k {
						want = 1
					}
					if got := Compare(a, b); got != want {
						t.Errorf("%s and %s: %d, want %d", a, b, got, want)
					}
				}
			}
			shuffled := slices.Clone(rising)
			slices.Reverse(shuffled)
			if got := Sort(append(shuffled, rising[0])); !slices.Equal(got, rising) {
				t.Errorf("sorted: %v", got)
			}
		})
	}
}

func TestOneVersionHasSeveralSpellings(t *testing.T) {
	for _, same := range [][2]string{{"1.0", "1.0.0"}, {"v1.2.3", "1.2.3"}, {"2.0.0+incompatible", "2.0.0"}, {"1.0-RC1", "1.0rc1"}, {"1.01", "1.1"}} {
		if Compare(same[0], same[1]) != 0 || Compare(same[1], same[0]) != 0 {
			t.Errorf("%s and %s are not the same", same[0], same[1])
		}
	}
}

func TestPreReleasesAreNotStable(t *testing.T) {
	for v, want := range map[string]bool{
		"1.2.3": true, "v1.2.3": true, "0.11.0.3": true, "1.0.post1": true, "2.0.0+incompatible": true, "20200101": true,
		"2.3.0-beta.0": false, "1.0rc1": false, "1.0.dev3": false, "0.8.2-beta": false, "4.0.0-rc1": false, "": false, "latest": false, "1..2": false,
	} {
		if got := Stable(v); got != want {
			t.Errorf("%q: %v", v, got)
		}
	}
}
