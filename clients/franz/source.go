package franz

import "embed"

// Source is this package's own source: built against any version of franz-go
// it is that version's driver (clients/provision).
//
//go:embed franz.go options.go errors.go transactions.go source.go
var Source embed.FS
