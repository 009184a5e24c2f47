package checker

import "slices"

func knownCause(c Cause) bool {
	return slices.ContainsFunc(Causes(), func(m CauseMeaning) bool { return m.Cause == c })
}
