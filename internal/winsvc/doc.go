// Package winsvc runs the process as a Windows service (spec: command-line 10). It
// translates: what the service manager asks for arrives at the process as values of
// os.Signal, so that one loop serves consoles and services alike, and how far the
// process has come is reported as the state of a service.
//
// The translation is a loop without a word of Windows in it, which owns all of the
// state; the binding to the service manager is a thin layer around it. Installing a
// service and sending controls to one are for other tools.
package winsvc
