// Package wire is the grammar: it turns bytes into commands and messages into
// bytes, and lists everything a peer may be told when it is wrong.
//
// A Parser belongs to the reader of one connection. It holds no bytes: what it
// returns points into the caller's buffer and is valid until the next call.
// Encoders append to memory of the caller. The package knows no sockets, no
// accounts and no policy beyond the limits it is given.
package wire
