// Package testkit holds the helpers that tests of several packages share: it
// starts servers, ours in the process and the reference executable as a child,
// speaks the client protocol byte by byte, and waits for conditions. Only test
// files import it.
package testkit
