//go:build !linux

package conn

import "net"

// Dialed is the endpoint of a connection that this program has opened.
func Dialed(_ *Poller, nc *net.TCPConn) (Endpoint, error) { return Stream(nc), nil }
