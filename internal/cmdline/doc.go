// Package cmdline turns the arguments of the executable into what it has to do:
// run a server, test a configuration, send a signal, or say something and exit. It
// holds the flag table and the usage text, both as operators of NATS servers know
// them (spec: command-line 1 and 2). It prints nothing and owns no state; the only
// file it reads is the configuration, by Command.Load, which can be called again for
// a reload: flags beat the file then as they did at the start.
//
// Two deliberate differences from the reference: a flag that cannot be parsed ends
// the process with status 2, as is the custom, not with 0, and every flag is applied
// again at a reload, not only some.
package cmdline
