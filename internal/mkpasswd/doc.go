// Package mkpasswd is the tool that makes bcrypt hashes for the server's
// configuration. It invents a password or takes one from a terminal or a pipe,
// never from the command line, which other users of the machine can read. A
// password that is easy to guess, or that no client could send, is refused.
package mkpasswd
