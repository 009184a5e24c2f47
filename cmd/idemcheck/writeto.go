package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// writeTo writes a report to the file that a flag names.
func writeTo[T any](flag, path string, what T, write func(io.Writer, T) error) error {
	file, err := os.Create(path)
	if err == nil {
		err = errors.Join(write(file, what), file.Close())
	}
	if err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return nil
}

// asJSON is a report for programs.
func asJSON[T any](w io.Writer, what T) error { return json.NewEncoder(w).Encode(what) }
