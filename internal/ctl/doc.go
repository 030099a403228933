// Package ctl ("control") sends commands to servers that run in other processes:
// what the flag -sl does. On Unix a command is a signal to one or more processes,
// on Windows a control for a service. Each call stands alone; the package has no
// state.
package ctl
