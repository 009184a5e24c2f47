package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/suites"
)

// isPath says whether a client is named by the path of its driver program.
func isPath(client string) bool {
	return strings.ContainsRune(client, filepath.Separator) && !isPackage(client)
}

// isPackage says whether it is a library whose name has a slash of its own:
// IBM/sarama, @platformatic/kafka.
func isPackage(client string) bool {
	name, _ := provision.Split(client)
	_, err := provision.ByName(name)
	return err == nil
}

// checkClients wants every client to be a library or a program, and to be named
// once. It puts whole names in their place.
func (f *runFlags) checkClients() error {
	for i, client := range f.clients {
		if client = strings.TrimSpace(client); isPath(client) {
			path, err := driverAt(client)
			if err != nil {
				return fmt.Errorf("--client %s: %w", client, err)
			}
			f.clients[i] = path
		} else if err := provision.Check(client); err != nil {
			return fmt.Errorf("--client: %w", err)
		} else if client != suites.InProcess {
			f.clients[i] = provision.Whole(client)
		}
		if slices.Contains(f.clients[:i], f.clients[i]) {
			return fmt.Errorf("--client names %s twice", f.clients[i])
		}
	}
	var err error
	if f.cache == "" {
		f.cache, err = provision.DefaultDir()
	} else {
		f.cache, err = filepath.Abs(f.cache)
	}
	return err
}

// driverAt wants a program that can be run.
func driverAt(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("it is not a program that can be run (chmod +x it, and see clients/driver/PROTOCOL.md for what it must do)")
	}
	return filepath.Abs(path)
}

// with puts a client in place of a scenario's own.
func with(s suites.Scenario, client string) suites.Scenario {
	switch {
	case client == "":
		return s
	case isPath(client):
		return s.With("", []string{client})
	}
	return s.With(client, nil)
}

// label is what a client is called in reports.
func label(client string) string {
	if isPath(client) {
		return filepath.Base(client)
	}
	return client
}

// named is the client that a report calls so, as --client takes it.
func (f *runFlags) named(called string) string {
	for _, client := range f.clients {
		if label(client) == called {
			return client
		}
	}
	return called
}

// provisioned is the driver of a library, where a command is the name of one.
func provisioned(ctx context.Context, command []string) ([]string, error) {
	if len(command) != 1 || isPath(command[0]) || provision.Check(command[0]) != nil {
		return command, nil
	}
	dir, err := provision.DefaultDir()
	if err != nil {
		return nil, err
	}
	name, version := provision.Split(command[0])
	driver, err := provision.Cache{Dir: dir, Progress: func(line string) { fmt.Fprintln(os.Stderr, line) }}.Driver(ctx, name, version)
	return driver.Command, err
}
