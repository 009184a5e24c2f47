package proxy

import (
	"fmt"
	"net"
	"syscall"
)

// reserve takes a free loopback port and keeps it: a socket is bound to it that
// never listens. Linux lets another socket that may reuse addresses, as Go's
// listeners may, bind and listen beside it, and gives the port to nobody else,
// also while nothing listens and connections are refused.
func reserve() (addr *net.TCPAddr, release func() error, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket: %w", err)
	}
	release = func() error { return syscall.Close(fd) }
	fail := func(what string, err error) (*net.TCPAddr, func() error, error) {
		_ = release()
		return nil, nil, fmt.Errorf("%s: %w", what, err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return fail("reuse the address", err)
	}
	loopback := [4]byte{127, 0, 0, 1}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback}); err != nil {
		return fail("bind", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return fail("ask for the port", err)
	}
	return &net.TCPAddr{IP: net.IP(loopback[:]), Port: name.(*syscall.SockaddrInet4).Port}, release, nil
}
