// Package blackbox has tests of the built executable, and nothing else: they do what
// an operator does, with arguments, files, signals and connections, and look at what
// an operator sees. Where another release of the server does the same (see
// testkit.Reference), a case runs against both executables, so that what is
// expected is proved on the way.
//
// The tests bind only free ports of 127.0.0.1 and signal only processes that they
// have started.
package blackbox
