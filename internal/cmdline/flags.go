package cmdline

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"nats-server/internal/options"
	"nats-server/internal/tlsconf"
)

// flags are the flags of a command line.
type flags struct {
	help, version, helpTLS  bool
	test                    bool
	tls                     bool // some flag is about TLS
	config, signal, against string
	apply                   map[string]func(*options.Options) // by name: what the flag sets
	late                    []string                          // names whose flags decide over others, in order
	yet                     map[string]bool                   // names of flags without a feature
	given                   []func(*options.Options)
	unsupported             []string

	cluster, routes string // values of the flags
	withCluster     bool   // --cluster was given
	withRoutes      bool
	args, secret    []string // see Given
}

// declare enters every flag into fs. All names of a flag share one variable, hence
// the last occurrence wins whatever name it used.
func declare(fs *flag.FlagSet) *flags {
	f := &flags{apply: map[string]func(*options.Options){}, yet: map[string]bool{}}
	f.declareOwn(fs)
	f.declareOptions(fs)
	f.declareUnsupported(fs)
	return f
}

func (f *flags) declareOwn(fs *flag.FlagSet) {
	boolean := func(p *bool, names string) {
		for _, n := range strings.Fields(names) {
			fs.BoolVar(p, n, false, "")
		}
	}
	text := func(p *string, names string) {
		for _, n := range strings.Fields(names) {
			fs.StringVar(p, n, "", "")
		}
	}
	boolean(&f.help, "h help")
	boolean(&f.version, "v version")
	boolean(&f.helpTLS, "help_tls")
	boolean(&f.test, "t")
	text(&f.config, "c config")
	text(&f.signal, "sl signal")
	text(&f.against, "against")
}

// declareOptions enters the flags that set an option. A flag that is not given
// leaves alone what the configuration file says.
func (f *flags) declareOptions(fs *flag.FlagSet) {
	text := func(names string, set func(*options.Options, string)) {
		p := new(string)
		for _, n := range strings.Fields(names) {
			fs.StringVar(p, n, "", "")
			f.apply[n] = func(o *options.Options) { set(o, *p) }
		}
	}
	integer := func(names string, set func(*options.Options, int)) {
		p := new(int)
		for _, n := range strings.Fields(names) {
			fs.IntVar(p, n, 0, "")
			f.apply[n] = func(o *options.Options) { set(o, *p) }
		}
	}
	boolean := func(names string, set func(*options.Options, bool)) {
		p := new(bool)
		for _, n := range strings.Fields(names) {
			fs.BoolVar(p, n, false, "")
			f.apply[n] = func(o *options.Options) { set(o, *p) }
		}
	}
	type o = *options.Options
	text("a addr net", func(o o, v string) { o.Host = v })
	integer("p port", func(o o, v int) { o.Port = v })
	text("n name server_name", func(o o, v string) { o.ServerName = v })
	text("client_advertise", func(o o, v string) { o.ClientAdvertise = v })
	text("P pid", func(o o, v string) { o.PidFile = v })
	text("ports_file_dir", func(o o, v string) { o.PortsFileDir = v })

	integer("m http_port", func(o o, v int) { o.HTTPPort = v })
	integer("profile", func(o o, v int) { o.ProfPort = v })
	integer("ms https_port", func(o o, v int) { o.HTTPSPort = v })

	text("l log", func(o o, v string) { o.LogFile = v })
	text("log_format", func(o o, v string) { o.LogFormat = v })
	boolean("T logtime", func(o o, v bool) { o.NoLogTime = !v })
	boolean("logtime_utc", func(o o, v bool) { o.LogtimeUTC = v })
	boolean("s syslog", func(o o, v bool) { o.Syslog = v })
	text("r remote_syslog", func(o o, v string) { o.RemoteSyslog = v })
	size := new(int64)
	fs.Int64Var(size, "log_size_limit", 0, "")
	f.apply["log_size_limit"] = func(o o) { o.LogSizeLimit = *size }
	integer("max_traced_msg_len", func(o o, v int) { o.MaxTracedMsgLen = v })
	boolean("D debug", func(o o, v bool) { o.Debug = v })
	boolean("V trace", func(o o, v bool) { o.Trace = v })
	boolean("DV", func(o o, v bool) { o.Debug, o.Trace = v, v })
	boolean("VV", func(o o, v bool) { o.Trace, o.TraceVerbose = v, v })
	boolean("DVV", func(o o, v bool) { o.Debug, o.Trace, o.TraceVerbose = v, v, v })
	f.late = []string{"DV", "VV", "DVV"}

	tls := func(o o) *tlsconf.Config {
		if o.TLS == nil {
			o.TLS = new(tlsconf.Config)
		}
		return o.TLS
	}
	text("tlscert", func(o o, v string) { tls(o).CertFile = v })
	text("tlskey", func(o o, v string) { tls(o).KeyFile = v })
	text("tlscacert", func(o o, v string) { tls(o).CAFile = v })
	boolean("tlsverify", func(o o, v bool) { tls(o).Verify = v })
	boolean("tls", func(o o, v bool) {
		if tls(o); !v {
			o.TLS = nil
		}
	})
	f.late = append(f.late, "tls")

	text("cluster_name", func(o o, v string) { o.Cluster.Name = v })
	text("cluster_advertise", func(o o, v string) { o.Cluster.Advertise = v })
	boolean("no_advertise", func(o o, v bool) { o.Cluster.NoAdvertise = v })
	integer("connect_retries", func(o o, v int) { o.Cluster.ConnectRetries = v })
	fs.StringVar(&f.routes, "routes", "", "")
	fs.StringVar(&f.cluster, "cluster", "", "")
	fs.StringVar(&f.cluster, "cluster_listen", "", "")

	text("user", func(o o, v string) { o.Username = v })
	text("pass", func(o o, v string) { o.Password = v })
	text("auth", func(o o, v string) { o.Authorization = v })
}

// declareUnsupported enters the flags of features that are to come.
func (f *flags) declareUnsupported(fs *flag.FlagSet) {
	for _, n := range strings.Fields("js jetstream") {
		fs.Bool(n, false, "")
		f.yet[n] = true
	}
	for _, n := range strings.Fields("sd store_dir") {
		fs.String(n, "", "")
		f.yet[n] = true
	}
}

// note keeps what the flags that were given do.
func (f *flags) note(fs *flag.FlagSet) {
	f.noteArgs(fs)
	given := map[string]bool{}
	fs.Visit(func(fl *flag.Flag) {
		given[fl.Name] = true
		f.tls = f.tls || strings.HasPrefix(fl.Name, "tls")
		f.withRoutes = f.withRoutes || fl.Name == "routes"
		f.withCluster = f.withCluster || fl.Name == "cluster" || fl.Name == "cluster_listen"
		if f.yet[fl.Name] && fl.Value.String() != fl.DefValue {
			f.unsupported = append(f.unsupported, fmt.Sprintf("\"%s%s\" is not supported by this version", dashes(fl.Name), fl.Name))
		}
	})
	// The order matters only for those that decide over others.
	for n := range given {
		if apply := f.apply[n]; apply != nil && !slices.Contains(f.late, n) {
			f.given = append(f.given, apply)
		}
	}
	for _, n := range f.late {
		if given[n] {
			f.given = append(f.given, f.apply[n])
		}
	}
}

func dashes(name string) string {
	if len(name) <= 2 {
		return "-"
	}
	return "--"
}
