//go:build ignore

// The driver of franz-go: the adapter that the harness runs in process, built
// against the version asked for.
package main

import (
	"fmt"
	"os"

	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/franz"
)

func main() {
	if err := driver.Serve(franz.Library{Log: os.Stderr}, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
