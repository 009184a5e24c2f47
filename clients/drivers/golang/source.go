package golang

import "embed"

// Source is this package's own source, for driver programs (clients/provision).
//
//go:embed errors.go options.go pending.go version.go source.go
var Source embed.FS
