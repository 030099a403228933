// Package tlsconf is the tls block of a configuration and everything that follows
// from it: its keys and checks, the live TLS configuration of a listener, pinned
// certificates, the mapping of client certificates to users, and the limit on the
// rate of connections (spec: configuration.md 10.7, accounts-and-auth.md 1.7, 1.8
// and 9). It knows neither connections nor users; handshakes are for whoever has
// the connection.
//
// A Server watches its files without a goroutine: a handshake that comes more than
// a second after the last look has another one. Whatever is wrong with a new file,
// the one before stays in use, so half of a renewal harms nobody.
//
// Certificate, key and CA files are independent of each other but for the two of a
// pair, which are read together.
package tlsconf
