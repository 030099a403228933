//go:build !unix && !windows

package ctl

// send knows no command: there is no way to send one here.
func send(command, _ string) error { return unknown(command) }
