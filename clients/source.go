package clients

import "embed"

// Source is this package's own source, for driver programs (clients/provision).
//
//go:embed clients.go source.go
var Source embed.FS
