// Package server embeds a NATS server in a Go program.
//
//	s, err := server.NewServer(&server.Options{Port: server.RandomPort})
//	if err != nil { … }
//	if err := s.Start(); err != nil { … }
//	defer s.Shutdown()
//	nc, err := nats.Connect(s.ClientURL()) // or nats.InProcessServer(s)
//
// A server never exits the process, installs no signal handler and prints
// nothing; what it has to say goes to the Logger it is given, or nowhere. Several
// servers may run in one process; they share nothing but free memory. All methods are safe for
// concurrent use.
package server
