package options_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/options"
	"nats-server/internal/tlsconf"
)

// samples has a value for every key that is supported, and what it does.
var samples = map[string]struct {
	value string
	want  options.Options
}{
	"listen":                  {"127.0.0.1:4333", options.Options{Host: "127.0.0.1", Port: 4333}},
	"port":                    {"-1", options.Options{Port: -1}},
	"host":                    {"localhost", options.Options{Host: "localhost"}},
	"client_advertise":        {"example.com", options.Options{ClientAdvertise: "example.com"}},
	"server_name":             {"edge", options.Options{ServerName: "edge"}},
	"no_header_support":       {"yes", options.Options{NoHeaderSupport: true}},
	"trace":                   {"yes", options.Options{Trace: true}},
	"debug":                   {"yes", options.Options{Debug: true}},
	"trace_verbose":           {"yes", options.Options{TraceVerbose: true}},
	"trace_headers":           {"yes", options.Options{TraceHeaders: true}},
	"max_traced_msg_len":      {"1kb", options.Options{MaxTracedMsgLen: 1024}},
	"logtime":                 {"no", options.Options{NoLogTime: true}},
	"logtime_utc":             {"yes", options.Options{LogtimeUTC: true}},
	"log_format":              {"json", options.Options{LogFormat: "json"}},
	"logfile":                 {"x.log", options.Options{LogFile: "x.log"}},
	"logfile_size_limit":      {"1e", options.Options{LogSizeLimit: 1e18}},
	"logfile_max_num":         {"3", options.Options{LogMaxFiles: 3}},
	"syslog":                  {"yes", options.Options{Syslog: true}},
	"remote_syslog":           {"udp://h:514", options.Options{RemoteSyslog: "udp://h:514"}},
	"max_connections":         {"0", options.Options{MaxConn: -1}},
	"max_subscriptions":       {"7", options.Options{MaxSubs: 7}},
	"max_sub_tokens":          {"255", options.Options{MaxSubTokens: 255}},
	"max_control_line":        {"512", options.Options{MaxControlLine: 512}},
	"max_payload":             {"-1", options.Options{MaxPayload: -1}},
	"max_pending":             {"2GB", options.Options{MaxPending: 2 << 30}},
	"write_deadline":          {"3s", options.Options{WriteDeadline: 3 * time.Second}},
	"no_fast_producer_stall":  {"yes", options.Options{NoFastProducerStall: true}},
	"ping_interval":           {`"3m"`, options.Options{PingInterval: 3 * time.Minute}},
	"ping_max":                {"5", options.Options{MaxPingsOut: 5}},
	"connect_error_reports":   {"5", options.Options{ConnectErrorReports: 5}},
	"reconnect_error_reports": {"7", options.Options{ReconnectErrorReports: 7}},
	"lame_duck_duration":      {"30s", options.Options{LameDuckDuration: 30 * time.Second}},
	"lame_duck_grace_period":  {"0s", options.Options{LameDuckGracePeriod: -1}},
	"disable_sublist_cache":   {"no", options.Options{}},
	"accounts":                {"[A]", options.Options{Accounts: []*options.Account{{Name: "A"}}}},
	"system_account":          {"A", options.Options{SystemAccount: "A"}},
	"no_system_account":       {"yes", options.Options{NoSystemAccount: true}},
	"authorization":           {"{token: t}", options.Options{Authorization: "t"}},
	"tls":                     {"{cert_file: c, key_file: k}", options.Options{TLS: &tlsconf.Config{CertFile: "c", KeyFile: "k"}}},
	"allow_non_tls":           {"yes", options.Options{AllowNonTLS: true}},
	"no_auth_user":            {"guest", options.Options{NoAuthUser: "guest"}},
	"http":                    {"127.0.0.1:8222", options.Options{HTTPHost: "127.0.0.1", HTTPPort: 8222}},
	"https":                   {"localhost:8222", options.Options{HTTPHost: "localhost", HTTPSPort: 8222}},
	"http_port":               {"-1", options.Options{HTTPPort: -1}},
	"https_port":              {"8443", options.Options{HTTPSPort: 8443}},
	"http_base_path":          {"nats", options.Options{HTTPBasePath: "nats"}},
	"http_auth":               {"{token: t}", options.Options{HTTPToken: "t"}},
	"max_closed_clients":      {"7", options.Options{MaxClosedClients: 7}},
	"prof_port":               {"6060", options.Options{ProfPort: 6060}},
	"cluster":                 {"{port: 7}", options.Options{Cluster: options.Cluster{Port: 7}}},
	"pid_file":                {"x.pid", options.Options{PidFile: "x.pid"}},
	"ports_file_dir":          {"dir", options.Options{PortsFileDir: "dir"}},
}

// supported are the keys that have a feature, which are those with documentation.
func supported() (rows keys.Table) {
	for _, row := range new(options.Options).Keys() {
		if row.Doc != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

func decode(t *testing.T, text string) (options.Options, error) {
	t.Helper()
	f, err := conf.Parse([]byte(text), "f")
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var o options.Options
	return o, keys.Decode(o.Keys(), f.Root).Err()
}

// good checks that a text sets exactly the fields given.
func good(t *testing.T, text string, want options.Options) {
	t.Helper()
	f, err := conf.Parse([]byte(text), "f")
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	var got options.Options
	r := keys.Decode(got.Keys(), f.Root)
	if r.Err() != nil || r.Warnings() != nil {
		t.Errorf("%q: %v %q", text, r.Err(), r.Warnings())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q: -want +got\n%s", text, diff)
	}
}

func TestEveryName(t *testing.T) {
	for _, row := range supported() {
		sample, ok := samples[row.Name]
		if !ok {
			t.Errorf("%s has no sample", row.Name)
		}
		for _, name := range append([]string{row.Name}, row.Aliases...) {
			good(t, name+": "+sample.value, sample.want)
			good(t, strings.ToUpper(name)+" = "+sample.value, sample.want)
			if _, err := decode(t, name+": [{}]"); err == nil {
				t.Errorf("%s takes an array of maps", name)
			}
		}
	}
	if len(samples) != len(supported()) {
		t.Errorf("%d samples for %d keys", len(samples), len(supported()))
	}
}

func TestAuthorizationNames(t *testing.T) {
	f := func(in string, want options.Options) {
		t.Helper()
		good(t, "authorization {"+in+"\n}", want)
		good(t, "AUTHORIZATION {"+strings.ToUpper(in)+"\n}", want)
	}
	given := []*options.User{} // there is a block: see Options.OpenToAll
	f("", options.Options{Users: given})
	f("user: A", options.Options{Username: "A"})
	f("username: A", options.Options{Username: "A"})
	f("pass: A", options.Options{Password: "A"})
	f("password: A", options.Options{Password: "A"})
	f("token: A", options.Options{Authorization: "A"})
	f("timeout: 0.5", options.Options{Users: given, AuthTimeout: 500 * time.Millisecond})
	f("timeout: 5", options.Options{Users: given, AuthTimeout: 5 * time.Second})
	f("users: []", options.Options{Users: []*options.User{}})
	f("users: [{user: A}]", options.Options{Users: []*options.User{{Username: "A"}}})
	f("users: [{username: A, pass: B}, {user: C, password: D}]",
		options.Options{Users: []*options.User{{Username: "A", Password: "B"}, {Username: "C", Password: "D"}}})
}

// The names that the specification lists, and no other, have a row each.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range new(options.Options).Keys() {
		for _, name := range append([]string{row.Name}, row.Aliases...) {
			if seen[name] || name != strings.ToLower(name) || name == "" {
				t.Errorf("%q is taken, empty or not in lower case", name)
			}
			seen[name] = true
		}
	}
	// spec: configuration.md 10.1
	for name := range strings.FieldsSeq(`listen port host net client_advertise server_name debug trace trace_verbose trace_headers
		logtime logtime_utc logfile log_file logfile_size_limit log_size_limit logfile_max_num log_max_num syslog remote_syslog
		max_traced_msg_len pidfile pid_file ports_file_dir prof_port prof_block_rate http https http_port monitor_port https_port
		http_base_path max_connections max_conn max_subscriptions max_subs max_sub_tokens max_subscription_tokens max_control_line
		max_payload max_pending max_closed_clients ping_interval ping_max write_deadline write_timeout lame_duck_duration
		lame_duck_grace_period connect_error_reports reconnect_error_reports disable_sublist_cache no_sublist_cache
		no_header_support no_fast_producer_stall proxy_protocol allow_non_tls tls ocsp ocsp_cache authorization no_auth_user
		accounts mappings maps system_account system no_system_account no_system no_sys_acc operator operators root roots
		root_operator root_operators trusted trusted_keys resolver account_resolver accounts_resolver resolver_tls
		resolver_preload resolver_pinned_accounts default_sentinel cluster gateway leaf leafnodes server_tags server_metadata
		feature_flags proxies jetstream store_dir storedir default_js_domain websocket ws mqtt`) {
		if !seen[name] {
			t.Errorf("%s is unknown", name)
		}
		delete(seen, name)
	}
	delete(seen, "connection_error_report_attempts") // of 2.0.0-RC14
	delete(seen, "log_format")                       // ours
	delete(seen, "http_auth")                        // ours
	for name := range seen {
		t.Errorf("%s is not in the specification", name)
	}
}

// A default in the documentation is one that can be written, and changes nothing.
func TestDefaultsAsDocumented(t *testing.T) {
	defaults, err := options.Options{}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range supported() {
		if row.Default == "" {
			continue
		}
		o, err := decode(t, row.Name+": "+row.Default)
		if err != nil {
			t.Errorf("%s: %v", row.Name, err)
		}
		o, err = o.Complete()
		if row.Name == "system_account" { // is the default by its effect
			o.SystemAccount = strings.TrimPrefix(o.System(), "$SYS")
		}
		if diff := cmp.Diff(defaults, o); err != nil || diff != "" {
			t.Errorf("%s: %v -default +written\n%s", row.Name, err, diff)
		}
	}
}

func TestUnsupported(t *testing.T) {
	for _, row := range new(options.Options).Keys() {
		if row.Doc != "" {
			continue
		}
		for _, name := range append([]string{row.Name}, row.Aliases...) {
			good(t, name+": off", options.Options{})
			_, err := decode(t, name+" {any: thing}")
			if want := "f:1:0: \"" + name + "\" is not supported by this version\n"; err == nil || err.Error() != want {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// Configurations as people write them for clusters, accounts and TLS say what is
// missing, and nothing else is wrong with them. Without those parts they load.
func TestTypicalFiles(t *testing.T) {
	f := func(text string, unsupported ...string) {
		t.Helper()
		path := write(t, text)
		_, warnings, err := options.Load(path)
		if len(unsupported) == 0 {
			if err != nil || len(warnings) != 0 {
				t.Errorf("%s: %v %q", text, err, warnings)
			}
			return
		}
		if err == nil {
			t.Errorf("%s: loads", text)
			return
		}
		var got []string
		for line := range strings.Lines(err.Error()) {
			name, ok := strings.CutSuffix(line, " is not supported by this version\n")
			if !ok {
				t.Errorf("%s: %s", text, line)
			}
			name = strings.TrimPrefix(name, path+":")
			got = append(got, name)
		}
		if !slices.Equal(got, unsupported) {
			t.Errorf("%s: got %q, want %q", text, got, unsupported)
		}
	}
	const hash = "$2a$11$0/1Qap2JZYgkNW6jbFl4N.FAOUDCL8A9iWN4u9gnACBwjwNd7bswG"

	// A single server: credentials, log, files, limits.
	f(`listen: localhost:4333 # clients
authorization {
  user: admin
  # made by mkpasswd
  password: ` + hash + `
  timeout: 1
}
debug: false
trace: true
logtime: false
log_file: "/var/log/nats.log"
pid_file: "/run/nats.pid"
max_connections: 50
max_subscriptions: 500
max_control_line: 256
max_payload: 32768
write_deadline: "3s"
`)
	f("authorization {\n  user: admin\n  password: T0p!\n  timeout: 1\n}\n")
	f("authorization {\n  # plain\n  token: T0p!\n  timeout: 1\n}\n")
	f("authorization {\n  token: " + hash + "\n  timeout: 1\n}\n")
	f("authorization {\n  PW: abc0123\n  users = [\n    {user: a, password: b}\n    {user: c, password: $PW}\n  ]\n}\n")
	f("log_file: \"d:\\\\logs\\\\nats.txt\"\n")

	// The same with monitoring and a cluster.
	f(`listen: localhost:4333
http: localhost:8333
cluster {
  listen: localhost:4344
  authorization {
    user: peer
    password: ` + hash + `
    timeout: 0.5
  }
  routes = [
    nats-route://peer:x@127.0.0.1:4345
    nats-route://peer:y@127.0.0.1:4346
  ]
}
max_payload: 1MB
`)
	f("listen: 127.0.0.1:4333\nhttp: 8333\ncluster {\n  host: 127.0.0.1\n  port: 4344\n}\n")
	f(`cluster {
  listen: 4344
  permissions {
    import: ["in.>"]
    export: ["in.>", "out.>"]
  }
}
`)
	f(`gateway {
  name: "A"
  port: 7333
  gateways [
    {
      name: "B"
      url: "b.example.com:7333"
    }
    {name: "C", urls: ["c1:7333", "c2:7333"]}
  ]
}
`, `1:0: "gateway"`)
	f(`listen: 127.0.0.1:4343
tls {
  cert_file: "./cert.pem"
  key_file: "./key.pem"
  ca_file: "./ca.pem"
  verify: true
  timeout: 2
}
authorization {user: admin, password: ` + hash + `, timeout: 1}
`)
	f(`authorization {
  ALL = {publish = ">", subscribe = ">"}
  ASK = {
    publish = ["req.a", "req.b"]
    subscribe = "_INBOX.>"
  }
  default_permissions = {
    publish = {
      allow = "box.*"
      deny = ["box.x"]
    }
  }
  PW: abc0123
  users = [
    {user: a, password: b, permissions: $ALL}
    {user: c, password: $PW, permissions: $ASK}
    {user: d, password: e}
  ]
}
`)
	f("authorization {\n  users = [\n    {user = \"CN=example.com,OU=a\"}\n    {user = \"CN=b\", permissions = {publish {allow = [\"x.>\"]}}}\n  ]\n}\n")
	f("accounts {\n  A: {users: [{user: a, password: b}]}\n}\nsystem_account: A\njetstream {store_dir: /tmp}\n",
		`5:1: "jetstream"`)
}
