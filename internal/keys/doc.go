// Package keys binds the keys of a configuration to the fields of a program: a
// Table has a Row per key, and everything that is to be known about a key is in
// its row. Decoding a tree, the messages about what is wrong with it, the
// comparison of two configurations and the reference documentation all come from
// the tables, so they cannot disagree.
//
// The package knows the configuration language (package conf) and no option.
// Tables are made for one value each, by a method of it, and are used by one
// goroutine.
package keys
