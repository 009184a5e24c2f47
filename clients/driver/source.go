package driver

import "embed"

// Source is this package's own source, for driver programs (clients/provision).
//
//go:embed protocol.go serve.go emit.go lines.go scan.go source.go
var Source embed.FS
