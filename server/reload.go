package server

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/keys"
	"nats-server/internal/monitor"
	"nats-server/internal/options"
	"nats-server/internal/route"
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
	next, _, err := options.LoadAgain(path)
	if err != nil {
		return err
	}
	return s.reload(next)
}

// ReloadOptions lets a running server go on with other options, and logs a line for
// each one that has changed. It does so as a whole or not at all: the error names
// every option that cannot change without a restart, and what to do. Clients that the
// new options would not let in are closed before it returns. The logger stays, but
// for the debug and trace lines. With another Options.CustomAuth than before, it is asked
// about every client, one after the other.
func (s *Server) ReloadOptions(next *Options) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	return s.reload(next)
}

// reload is ReloadOptions, with starting held.
func (s *Server) reload(next *Options) error {
	p, err := s.prepareReload(next)
	if err != nil {
		return err
	}
	s.commitReload(p)
	return nil
}

// CheckReload returns the error with which ReloadOptions would refuse these options
// now, or nil.
func (s *Server) CheckReload(next *Options) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	p, err := s.prepareReload(next)
	if err == nil {
		p.discard()
	}
	return err
}

// prepared is a reload of which nothing can fail any more.
type prepared struct {
	options  Options
	changes  []keys.Difference
	auth     *auth.Directory
	tls      *client.TLS
	settings client.Settings
	cluster  *route.Settings // nil if the server is alone
	sites    sites           // listeners for monitoring that are to be elsewhere
	gate     *monitor.Gate
}

// discard gives back what a reload that does not happen has bound.
func (p *prepared) discard() { p.sites.close() }

// prepareReload does all of a reload that can fail, and touches nothing.
func (s *Server) prepareReload(next *Options) (*prepared, error) {
	o, err := next.Complete()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	phase, l := s.phase, s.listener
	s.mu.Unlock()
	if phase != running {
		return nil, errors.New("only a running server can reload its configuration")
	}
	old := s.opts.Load()
	o.DontListen = old.DontListen // which no file can say, nor this:
	asksAnother := o.CustomAuth != nil
	if !asksAnother {
		o.CustomAuth = old.CustomAuth
	}
	p := &prepared{options: o, changes: options.Changes(old, &o), auth: s.auth}
	if err := refused(p.changes); err != nil {
		return nil, err
	}
	if asksAnother || options.CredentialsDiffer(old, &o) {
		p.auth = s.auth.Next(s.credentials(&o))
	}
	if o.TLS != nil {
		if err := o.TLS.RegularFiles(); err != nil {
			return nil, err
		}
	}
	if p.tls, err = s.security(&o); err != nil { // reads the certificates anew, too
		return nil, err
	}
	host, port := o.Host, o.Port
	if l != nil {
		port = l.Addr().Port
	}
	if p.settings, err = s.settings(&o, p.auth, p.tls, host, port); err != nil {
		return nil, err
	}
	if p.cluster, err = s.clusterSettings(&o); err != nil {
		return nil, err
	}
	return p, s.prepareMonitoring(p)
}

// prepareMonitoring is the last of prepareReload, since it binds.
func (s *Server) prepareMonitoring(p *prepared) (err error) {
	old, o := s.opts.Load(), &p.options
	p.gate = s.monitoring.gate
	if old.HTTPUsername != o.HTTPUsername || old.HTTPPassword != o.HTTPPassword || old.HTTPToken != o.HTTPToken {
		p.gate = monitor.NewGate(o.HTTPUsername, o.HTTPPassword, o.HTTPToken, p.gate)
	}
	p.sites, err = s.bindSites(old, o)
	return err
}

// commitReload puts a reload into force: first for connections to come, then for those
// that there are.
func (s *Server) commitReload(p *prepared) {
	old, o, replaced := s.opts.Load(), &p.options, p.auth != s.auth
	s.opts.Store(o)
	s.loaded.Store(now())
	s.auth, s.tls = p.auth, p.tls
	if o.Debug != old.Debug || o.Trace != old.Trace { // else what SetLogger said stays
		s.log.SetLevels(o.Debug, o.Trace)
	}
	s.limitRate(o)
	// Accounts that go are in force until nobody is in them any more.
	s.accounts.Set(append(old.AccountNames(), o.AccountNames()...))
	s.useAccounts(o, &p.settings)
	s.clients.Apply(p.settings)
	s.serveSystem(o)
	s.useCertificates(p.tls)
	s.monitoring.gate = p.gate
	if o.MaxClosedClients != old.MaxClosedClients {
		s.monitoring.closed.Resize(o.MaxClosedClients)
	}
	s.applyMonitoring(o)
	s.serveSites(old, o, p.sites)
	if p.cluster != nil {
		s.cluster.Reload(*p.cluster)
	}
	if replaced {
		s.clients.Revalidate()
	}
	s.accounts.Set(o.AccountNames())
	s.clients.ShrinkAccounts()
	if n := s.clients.Unpin(); n > 0 {
		s.log.Noticef("Disconnect %d clients due to pinned certs reload", n)
	}
	if n := s.clients.Shrink(); n > 0 {
		s.log.Noticef("Closed %d connections to fall within max_connections", n)
	}
	s.tell(p.changes)
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
			line += " = " + asLogged(c)
		}
		if c.Change == keys.NewClients {
			line += " (for new connections)"
		}
		s.log.Noticef("%s", line)
	}
}

// asLogged is a changed value as scripts know it: timeouts in seconds, texts without
// quotes.
func asLogged(c keys.Difference) string {
	if d, err := time.ParseDuration(c.New); err == nil && strings.HasSuffix(c.Name, " timeout") {
		return fmt.Sprint(d.Seconds())
	}
	return strings.Trim(c.New, `"`)
}
