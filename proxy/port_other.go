//go:build !linux

package proxy

import "net"

// reserve leaves the choice of the port to the listener: two sockets cannot
// share one here.
func reserve() (addr *net.TCPAddr, release func() error, err error) {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, func() error { return nil }, nil
}
