// Package cmdline turns the arguments of the executable into what it has to do:
// run a server with certain options, or say something and exit. It holds the flag
// table and the usage text, both as operators of NATS servers know them (spec:
// command-line 1 and 2), and is a pure function: it prints nothing, reads no file
// and owns no state. Whether the option values make sense is judged by package
// options when the server is built.
//
// One deliberate difference from the reference: a flag that cannot be parsed ends
// the process with status 2, as is the custom, not with 0.
package cmdline
