package outcome

import "embed"

// Source is this package's own source, for driver programs (clients/provision).
//
//go:embed outcome.go source.go
var Source embed.FS
