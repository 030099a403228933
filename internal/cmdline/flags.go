package cmdline

import (
	"flag"

	"nats-server/internal/options"
)

// values receives the flags. Those that map to one option go straight into it.
type values struct {
	opts          options.Options
	logTime       bool
	debugTrace    bool
	help, version bool
}

// declare enters every flag into fs. All names of a flag share one variable,
// hence the last occurrence wins whatever name it used.
func declare(fs *flag.FlagSet) *values {
	v := new(values)
	str := func(p *string, names ...string) {
		for _, n := range names {
			fs.StringVar(p, n, "", "")
		}
	}
	boolean := func(p *bool, preset bool, names ...string) {
		for _, n := range names {
			fs.BoolVar(p, n, preset, "")
		}
	}
	o := &v.opts
	str(&o.Host, "a", "addr", "net")
	fs.IntVar(&o.Port, "p", 0, "")
	fs.IntVar(&o.Port, "port", 0, "")
	str(&o.ServerName, "n", "name", "server_name")
	str(&o.PidFile, "P", "pid")

	str(&o.LogFile, "l", "log")
	boolean(&v.logTime, true, "T", "logtime")
	boolean(&o.Debug, false, "D", "debug")
	boolean(&o.Trace, false, "V", "trace")
	boolean(&v.debugTrace, false, debugTraceFlag)

	str(&o.Username, "user")
	str(&o.Password, "pass")
	str(&o.Authorization, "auth")

	boolean(&v.help, false, "h", "help")
	boolean(&v.version, false, "v", "version")
	return v
}

// debugTraceFlag is the flag that, once given, decides about -D and -V whatever
// their own values and the order on the command line.
const debugTraceFlag = "DV"

func (v *values) options(fs *flag.FlagSet) *options.Options {
	o := v.opts
	o.NoLogTime = !v.logTime
	fs.Visit(func(f *flag.Flag) {
		if f.Name == debugTraceFlag {
			o.Debug, o.Trace = v.debugTrace, v.debugTrace
		}
	})
	return &o
}
