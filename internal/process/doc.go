// Package process is the executable around the server: it prints what the command
// line asks for, opens the log, writes the pid file and the ports file, turns signals
// and the controls of services into calls, reloads the configuration, keeps the service
// manager informed and ends with an exit status. Everything that concerns the whole
// process and that an embedded server must therefore leave alone (standard streams,
// signal handlers, files of its own, the garbage collector's settings) is done here and
// nowhere else.
//
// State is owned by the one goroutine that runs Main; the server is reached through
// the small interface Server, given as a constructor, so that the tests can do
// without a real one.
package process
