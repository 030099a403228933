package process

import (
	"errors"
	"slices"
	"strings"

	"nats-server/internal/options"
)

// reload reads the configuration again and lets the server go on with it, or with
// what it has if anything is wrong (spec: command-line 11).
func (r *runner) reload() {
	r.tell(r.manager.Reloading())
	defer func() { r.tell(r.manager.Ready()) }()
	next, warnings, err := r.command.LoadAgain()
	if err == nil && next.ConfigFile == "" {
		err = errors.New("can only reload config when a file is provided using -c or --config")
	}
	if err == nil && slices.ContainsFunc(warnings, options.SaysEmpty) {
		// An editor may just have truncated it, and it would let everybody in.
		err = errors.New(warnings[len(warnings)-1])
	}
	if err == nil {
		for _, w := range warnings {
			r.log.Warnf("%s", w)
		}
		err = r.adopt(next)
	}
	if err != nil {
		text := "Failed to reload server configuration: " + strings.TrimSpace(err.Error())
		for line := range strings.Lines(text) {
			r.log.Errorf("%s", strings.TrimSpace(line))
		}
		return
	}
	r.log.Noticef("Reloaded server configuration (%s)", r.options.ConfigDigest)
}

// adopt makes sure that the server will follow, prepares what the process has to
// change, lets the server change, and then takes over what was prepared.
func (r *runner) adopt(o *options.Options) error {
	next, err := o.Complete()
	if err == nil {
		err = r.server.CheckReload(o)
	}
	if err != nil {
		return err
	}
	fresh := r.log
	if cfg := logConfig(&next, r.nameFor(&next)); cfg != r.log.cfg {
		if fresh, err = openLog(&next, cfg.Server, r.stderr); err != nil {
			return err
		}
	}
	if next.PidFile != r.options.PidFile {
		err = writePidFile(next.PidFile)
	}
	if err == nil {
		err = r.server.ReloadOptions(o)
	}
	if err != nil {
		if fresh != r.log {
			fresh.Close()
		}
		return err
	}
	r.switchLog(fresh, &next)
	old := r.options
	r.options = next
	if next.PortsFileDir != old.PortsFileDir || next.ProfPort != old.ProfPort ||
		next.HTTPPort != old.HTTPPort || next.HTTPSPort != old.HTTPSPort || next.HTTPHost != old.HTTPHost {
		r.removePorts()
		r.writePorts(next.PortsFileDir)
	}
	r.publish()
	return nil
}

func (r *runner) switchLog(fresh *log, o *options.Options) {
	if fresh == r.log {
		return
	}
	old := r.log
	r.log = fresh
	r.server.SetLogger(fresh, o.Debug, o.Trace)
	old.Close()
}

// nameFor is the name that the server will have.
func (r *runner) nameFor(o *options.Options) string {
	if o.ServerName == r.options.ServerName {
		return r.server.Name()
	}
	return o.ServerName
}
