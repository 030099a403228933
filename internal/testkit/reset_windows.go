package testkit

import "syscall"

// errReset is what a read reports after the peer reset the connection; Windows
// has its own number for it, which is not syscall.ECONNRESET.
const errReset = syscall.WSAECONNRESET
