// Package systemd tells the service manager that started the process how it is
// doing: ready, reloading, stopping, alive. It is the sender's side of the
// sd_notify protocol: datagrams of VARIABLE=value lines to the socket that the
// environment names. Without that environment, and so on every system without
// systemd, all of it does nothing.
//
// A Notifier owns one socket, guarded by a mutex, and no goroutine. Nothing here
// waits longer than a second: a server must not hang because its manager does.
// Taking over listening sockets from the manager is left out on purpose.
package systemd
