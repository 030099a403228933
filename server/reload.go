package server

import (
	"errors"
	"fmt"
	"strings"

	"nats-server/internal/keys"
	"nats-server/internal/options"
)

// ProcessConfigFile reads a configuration file. The error lists all that is wrong
// with it; warnings are about what works, but is probably not meant.
func ProcessConfigFile(path string) (opts *Options, warnings []string, err error) {
	return options.Load(path)
}

// Reload reads Options.ConfigFile again and goes on with what it says, as
// ReloadOptions does. What the program had changed in the options is lost: to keep
// it, use ProcessConfigFile and ReloadOptions.
func (s *Server) Reload() error {
	s.starting.Lock() // reads and goes on in one: the last to read the file decides
	defer s.starting.Unlock()
	path := s.opts.Load().ConfigFile
	if path == "" {
		return errors.New("can only reload config when a file is provided using -c or --config")
	}
	next, _, err := options.Load(path)
	if err != nil {
		return err
	}
	return s.reload(next)
}

// ReloadOptions lets a running server go on with other options, and logs a line for
// each one that has changed. It does so as a whole or not at all: the error names
// every option that cannot change without a restart, and what to do. Clients that the
// new options would not let in are closed before it returns. The logger stays, but
// for the debug and trace lines.
func (s *Server) ReloadOptions(next *Options) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	return s.reload(next)
}

// reload is ReloadOptions, with starting held.
func (s *Server) reload(next *Options) error {
	o, err := next.Complete()
	if err != nil {
		return err
	}
	s.mu.Lock()
	p, l := s.phase, s.listener
	s.mu.Unlock()
	if p != running {
		return errors.New("only a running server can reload its configuration")
	}
	old := s.opts.Load()
	o.DontListen = old.DontListen // which no file can say
	changes := options.Changes(old, &o)
	if err := refused(changes); err != nil {
		return err
	}

	host, port := o.Host, o.Port
	if l != nil {
		port = l.Addr().Port
	}
	dir := s.auth
	if options.CredentialsDiffer(old, &o) {
		dir = s.auth.Next(credentials(&o))
	}
	set, err := s.settings(&o, dir, host, port)
	if err != nil {
		return err
	}

	// Nothing can fail from here on.
	replaced := dir != s.auth
	s.opts.Store(&o)
	s.auth = dir
	if o.Debug != old.Debug || o.Trace != old.Trace { // else what SetLogger said stays
		s.log.SetLevels(o.Debug, o.Trace)
	}
	s.clients.Apply(set)
	if replaced {
		s.clients.Revalidate()
	}
	if n := s.clients.Shrink(); n > 0 {
		s.log.Noticef("Closed %d connections to fall within max_connections", n)
	}
	s.tell(changes)
	return nil
}

// refused is the error for changes that need a restart, naming all of them.
func refused(changes []keys.Difference) error {
	var lines []string
	for _, c := range changes {
		if c.Change == keys.Restart {
			lines = append(lines, fmt.Sprintf("config reload not supported for %s: old=%s, new=%s; restart the server to change it (%s)",
				c.Name, c.Old, c.New, c.Why))
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

// tell logs what has changed (spec: command-line 11).
func (s *Server) tell(changes []keys.Difference) {
	for _, c := range changes {
		verb := "Reloaded"
		if c.Name == "client_advertise" {
			verb = "Reload" // as scripts know it
		}
		line := verb + ": " + c.Name
		if c.New != "" {
			line += " = " + strings.Trim(c.New, `"`)
		}
		if c.Change == keys.NewClients {
			line += " (for new connections)"
		}
		s.log.Noticef("%s", line)
	}
}
