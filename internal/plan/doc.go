// Package plan shows what a reload would change before it is done. A running server
// publishes its settings in force in a file in memory, which only its user can reach
// through /proc; secrets are in it as salted digests. With them are the flags of the
// process, since its reloads apply them over the file. Nothing is written to disk, and
// what the server's configuration file holds by now does not matter.
package plan
