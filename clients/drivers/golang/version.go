// Package golang is what the drivers of client libraries in Go have in common,
// besides the library. It is built into them (clients/provision), so it leans
// on the standard library and the contract in clients alone.
package golang

import "runtime/debug"

// Version is the version of a module that this program was built with, in the
// words of its build information.
func Version(module string) string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			if dep.Path == module {
				return dep.Version
			}
		}
	}
	return "unknown"
}
