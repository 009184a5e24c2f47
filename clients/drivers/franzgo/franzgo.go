// Package franzgo is the driver of franz-go: the client that the harness has in
// process, in a process of its own.
package franzgo

import (
	"io"

	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/clients/driver"
)

// Serve drives one franz-go producer by the protocol of clients/driver, from
// standard input and output, until it is closed or the harness is gone. What
// franz-go logs goes to diagnostics.
func Serve(in io.Reader, out, diagnostics io.Writer) error {
	return driver.Serve(franz.Library{Log: diagnostics}, in, out)
}
