package options

import (
	"math"
	"strconv"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

// Keys returns the table of all keys of a configuration file, bound to o.
func (o *Options) Keys() keys.Table {
	var t keys.Table
	t = append(t, o.listenKeys()...)
	t = append(t, o.logKeys()...)
	t = append(t, o.limitKeys()...)
	t = append(t, o.tlsKeys()...)
	known := &people{seen: make(map[string]sighting)}
	t = append(t, o.authKeys(known)...)
	t = append(t, o.accountKeys(known)...)
	t = append(t, o.clusterKeys()...)
	t = append(t, o.monitorKeys()...)
	t = append(t, o.processKeys()...)
	return append(t, notYet()...)
}

func (o *Options) listenKeys() keys.Table {
	const told = "clients have been told the address, and the port may be taken"
	return keys.Table{
		{Name: "listen", Value: keys.Address(&o.Host, &o.Port), Default: "0.0.0.0:4222",
			Change: keys.Restart, Why: told,
			Doc: "Address for clients. A port alone means all interfaces; port -1 is a random one."},
		{Name: "port", Value: keys.Port(&o.Port).Quiet(), Default: "4222", Change: keys.Restart, Why: told,
			Doc: "Port for clients; -1 is a random one."},
		{Name: "host", Aliases: []string{"net"}, Value: keys.String(&o.Host).Quiet(), Default: "0.0.0.0",
			Change: keys.Restart, Why: told, Doc: "Address of the interface for clients."},
		{Name: "client_advertise", Value: keys.String(&o.ClientAdvertise),
			Doc: "`host[:port]` that clients are told instead of the listener's."},
		{Name: "server_name", Value: keys.String(&o.ServerName), Since: "2.1.2",
			Doc: "Name of the server in INFO, without blanks. If there is none, the server's id is its name."},
		{Name: "no_header_support", Value: keys.Bool(&o.NoHeaderSupport), Default: "false", Since: "2.2.0",
			Change: keys.NewClients, Doc: "Announce no message headers, and refuse HPUB."},
	}
}

func (o *Options) logKeys() keys.Table {
	return keys.Table{
		{Name: "trace", Value: keys.Bool(&o.Trace), Default: "false",
			Doc: "Log every protocol line. Secrets are left out."},
		{Name: "debug", Value: keys.Bool(&o.Debug), Default: "false", Doc: "Log details for debugging."},
		{Name: "trace_verbose", Value: keys.Bool(&o.TraceVerbose), Default: "false", Since: "2.1.6",
			Doc: "As `trace`, and the system account is traced, too."},
		{Name: "trace_headers", Value: keys.Bool(&o.TraceHeaders), Default: "false", Since: "2.11.2",
			Doc: "As `trace`, but of messages only the headers are shown."},
		{Name: "max_traced_msg_len", Value: keys.Int(&o.MaxTracedMsgLen, 0, math.MaxInt32), Default: "0", Since: "2.0.2",
			Doc: "Bytes of a payload that traces show; 0 is all."},
		{Name: "logtime", Value: keys.Not(&o.NoLogTime), Default: "true", Doc: "Begin log lines with the time."},
		{Name: "logtime_utc", Value: keys.Bool(&o.LogtimeUTC), Default: "false", Since: "2.9.21",
			Doc: "That time is UTC instead of local time."},
		{Name: "log_format", Value: keys.OneOf(&o.LogFormat, LogText, LogJSON), Default: LogText, Since: "ours",
			Doc: "`json` writes one JSON object per line: time, level, pid, server, fields of the connection, msg."},
		{Name: "logfile", Aliases: []string{"log_file"}, Value: keys.String(&o.LogFile), Label: "log_file",
			Doc: "Log to this file instead of stderr. USR1 opens it anew."},
		{Name: "logfile_size_limit", Aliases: []string{"log_size_limit"}, Value: keys.Int(&o.LogSizeLimit, 0, math.MaxInt64),
			Default: "0", Since: "2.1.4", Doc: "Rotate the file when it is larger, in bytes; 0 is never."},
		{Name: "logfile_max_num", Aliases: []string{"log_max_num"}, Value: keys.Int(&o.LogMaxFiles, 0, math.MaxInt32),
			Default: "0", Since: "2.10.0", Doc: "Files to keep, the current one included; 0 is all."},
		{Name: "syslog", Value: keys.Bool(&o.Syslog), Default: "false",
			Doc: "Log to the system's log: syslog, or the event log of Windows."},
		{Name: "remote_syslog", Value: keys.String(&o.RemoteSyslog),
			Doc: "Log to a syslog server: `udp://host:port`, `tcp://host:port` or `unix:///path`."},
	}
}

func (o *Options) limitKeys() keys.Table {
	return keys.Table{
		{Name: "max_connections", Aliases: []string{"max_conn"}, Value: o.maxConnections(), Default: "65536",
			Doc: "Clients at a time. When it is lowered, surplus clients are closed. 0 and less let nobody in."},
		{Name: "max_subscriptions", Aliases: []string{"max_subs"}, Value: unlimited(&o.MaxSubs), Default: "0",
			Doc: "Subscriptions per connection; 0 and -1 are no limit. Present ones are kept."},
		{Name: "max_sub_tokens", Aliases: []string{"max_subscription_tokens"}, Value: keys.Int(&o.MaxSubTokens, 0, 255),
			Default: "0", Since: "2.6.4", Doc: "Tokens in the subject of a subscription; 0 is no limit."},
		{Name: "max_control_line", Value: keys.Int(&o.MaxControlLine, 0, math.MaxInt32), Default: "4096",
			Doc: "Bytes of a protocol line."},
		{Name: "max_payload", Value: keys.Int(&o.MaxPayload, -1, math.MaxInt32), Default: "1048576",
			Doc: "Bytes of a message with its headers; -1 is no limit."},
		{Name: "max_pending", Value: keys.Int(&o.MaxPending, 0, math.MaxInt64), Default: "67108864",
			Doc: "Bytes that wait for one client before it is cut off as a slow consumer."},
		{Name: "write_deadline", Value: keys.Duration(&o.WriteDeadline), Default: `"10s"`,
			Doc: "Time for one write to a client before it is cut off as a slow consumer."},
		{Name: "no_fast_producer_stall", Value: keys.Bool(&o.NoFastProducerStall), Default: "false", Since: "2.10.26",
			Doc: "Never slow a publisher down; drop messages for the receiver that is behind."},
		{Name: "ping_interval", Value: keys.Duration(&o.PingInterval), Default: `"2m"`,
			Doc: "Silence after which a client is pinged. Timers that run keep their time."},
		{Name: "ping_max", Value: keys.Int(&o.MaxPingsOut, 0, math.MaxInt32), Default: "2",
			Doc: "Unanswered pings before a client counts as gone."},
		{Name: "lame_duck_duration", Value: keys.DurationText(&o.LameDuckDuration).Then(o.checkLameDuck), Default: `"2m"`,
			Doc: "Time over which lame duck mode closes the clients, at least 30s."},
		{Name: "lame_duck_grace_period", Value: o.gracePeriod(), Default: `"10s"`, Since: "2.2.0",
			Doc: "Wait of lame duck mode before it closes the first client; 0 is none."},
		{Name: "connect_error_reports", Value: keys.Int(&o.ConnectErrorReports, 0, math.MaxInt32), Default: "3600", Since: "2.0.0",
			Doc: "Of attempts that fail to connect to another server, the first is an error in the log, then one in so many; the others are there with `debug`."},
		{Name: "reconnect_error_reports", Value: keys.Int(&o.ReconnectErrorReports, 0, math.MaxInt32), Default: "1", Since: "2.0.0",
			Doc: "The same for attempts after a connection was lost."},
		{Name: "disable_sublist_cache", Aliases: []string{"no_sublist_cache"}, Value: keys.Satisfied().Quiet(), Default: "true",
			Since: "2.0.2", Doc: "Has no effect: there is no such cache."},
	}
}

func (o *Options) maxConnections() keys.Value {
	v := keys.Int(&o.MaxConn, math.MinInt32, math.MaxInt32)
	return v.Then(func(*keys.Report, conf.Pos) {
		if o.MaxConn == 0 { // written, and therefore not the default
			o.MaxConn = -1
		}
	}).Shown(func() string { return strconv.Itoa(max(o.MaxConn, 0)) })
}

// unlimited is a limit for which any value below 1 is none.
func unlimited(p *int) keys.Value {
	v := keys.Int(p, math.MinInt32, math.MaxInt32)
	return v.Then(func(*keys.Report, conf.Pos) { *p = max(*p, 0) })
}

func (o *Options) checkLameDuck(r *keys.Report, at conf.Pos) {
	if d := o.LameDuckDuration; d < minLameDuck {
		r.Errorf(at, "invalid lame_duck_duration of %v, minimum is 30 seconds", d)
	}
}

// gracePeriod is a duration of which 0, if written, means none.
func (o *Options) gracePeriod() keys.Value {
	return keys.DurationText(&o.LameDuckGracePeriod).Then(func(*keys.Report, conf.Pos) {
		if o.LameDuckGracePeriod == 0 {
			o.LameDuckGracePeriod = -1
		}
	}).Shown(func() string { return max(o.LameDuckGracePeriod, 0).String() })
}

func (o *Options) processKeys() keys.Table {
	return keys.Table{
		{Name: "pid_file", Aliases: []string{"pidfile"}, Value: keys.String(&o.PidFile), Doc: "File for the process id."},
		{Name: "ports_file_dir", Value: keys.String(&o.PortsFileDir),
			Doc: "Directory for `<program>_<pid>.ports`, a JSON object with the URLs in use."},
	}
}

// notYet lists the keys of features that are to come.
func notYet() keys.Table {
	return keys.Unsupported(
		"prof_block_rate", "write_timeout",
		"connection_error_report_attempts",
		"proxy_protocol", "ocsp", "ocsp_cache",
		"mappings maps",
		"operator operators root roots root_operator root_operators", "trusted trusted_keys",
		"resolver account_resolver accounts_resolver", "resolver_tls", "resolver_preload",
		"resolver_pinned_accounts", "default_sentinel", "gateway", "leafnodes leaf",
		"server_tags", "server_metadata", "feature_flags", "proxies",
		"jetstream", "store_dir storedir", "default_js_domain", "websocket ws", "mqtt",
	)
}
