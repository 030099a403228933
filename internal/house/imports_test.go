package house

import (
	"slices"
	"strings"
	"testing"
)

// room is what one package may import, and why that is all.
type room struct {
	mayImport string // packages of this module, below internal/ unless they begin with a slash
	modules   string // packages of others
	why       string
}

// rooms is the import table of the architecture: words at the bottom, then core,
// state, engine, peers, root, process. Arrows point down; the few that point
// sideways are explained here. A new package needs a row, a new arrow a reason.
var rooms = map[string]room{
	// words
	"subject":  {why: "it is about the text of subjects and nothing else"},
	"wire":     {mayImport: "subject", why: "grammar turns bytes into values; sockets and accounts are for those who use it"},
	"buf":      {why: "everybody borrows memory from it, so it may depend on nobody"},
	"logs":     {modules: "golang.org/x/sys/windows/svc/eventlog", why: "everybody logs, so it may depend on nobody"},
	"pipe":     {why: "it is a net.Conn, which knows nothing of what is said on it"},
	"ids":      {modules: "github.com/nats-io/nkeys", why: "identities are values"},
	"tlsconf":  {mayImport: "conf keys", why: "it prepares what crypto/tls needs; whose connections they are is for others"},
	"perms":    {mayImport: "subject", why: "it knows rules and subjects; who they are for, and what becomes of a violation, is for others"},
	"conf":     {why: "it is the language alone; what keys mean is for others"},
	"systemd":  {modules: "golang.org/x/sys/unix", why: "it talks to the service manager, about nothing but ready, reloading, stopping and alive"},
	"winsvc":   {modules: "golang.org/x/sys/windows/svc", why: "it translates between a service manager and a process; what either does is not its concern"},
	"ctl":      {modules: "golang.org/x/sys/windows/svc golang.org/x/sys/windows/svc/mgr", why: "it talks to other processes through the system alone"},
	"mkpasswd": {modules: "golang.org/x/crypto/bcrypt golang.org/x/term", why: "it is a tool of its own, which shares only the hash format with the server"},
	"keys":     {mayImport: "conf", why: "it binds keys to fields; which keys there are is for the owners of the fields"},
	"facts":    {why: "those who know and those who report share these values and nothing else"},
	"insight":  {why: "it counts subjects that it is shown; who shows them, and who asks, is for others"},
	"dial":     {why: "it is about addresses and attempts; what is said on a connection is for others"},
	"version":  {why: "one place says which release this is, and is asked from everywhere"},

	// core
	"conn":     {mayImport: "buf facts logs", modules: "golang.org/x/sys/unix", why: "the core knows bytes, time and limits; what the bytes mean is for a session"},
	"squeeze":  {mayImport: "buf", modules: "github.com/klauspost/compress/s2", why: "it turns bytes into fewer; whose they are, and where they go, is for others"},
	"interest": {mayImport: "subject conn perms", why: "it knows subjects and the queues of subscribers; accounts and grammar are above it"},

	// state
	"account": {mayImport: "interest subject", why: "an account is a subject space; peers and authentication are above it"},
	"auth":    {mayImport: "subject wire ids perms", modules: "golang.org/x/crypto/bcrypt github.com/nats-io/nkeys", why: "it decides from credentials alone; connections and accounts come later"},

	// engine
	"delivery": {mayImport: "account interest conn wire subject buf perms", why: "it takes messages to queues and must not know which kind of peer is at either end"},
	"listen":   {mayImport: "conn logs", why: "it accepts for any kind of peer, so it may know none"},

	// peers
	"client": {mayImport: "account auth conn delivery facts insight interest logs perms subject wire", why: "a peer is made of core, state and engine, and never knows another peer or the server"},
	"route":  {mayImport: "account auth conn delivery dial facts ids interest logs perms squeeze subject wire", why: "a peer is made of core, state and engine, and never knows another peer or the server"},

	// services
	"monitor":   {mayImport: "auth conn facts logs options perms subject tlsconf", why: "it is told what it reports by those who wire it up, so it knows neither peers nor the server"},
	"dashboard": {mayImport: "insight keys", why: "it is a page that reads reports like any other visitor; what it asks for beyond them it is handed"},
	"metrics":   {mayImport: "facts monitor", modules: "github.com/prometheus/client_golang/prometheus github.com/prometheus/client_golang/prometheus/collectors github.com/prometheus/client_golang/prometheus/promhttp", why: "it shows reports in another form; counting is for those who know"},
	"profile":   {why: "it shows the program as a whole, and knows no part of it"},

	"system": {mayImport: "logs monitor", modules: "github.com/klauspost/compress/s2", why: "it is a client that answers with reports; how it is connected is for those who wire it up"},

	// root
	"options": {mayImport: "auth conf keys perms tlsconf", modules: "github.com/nats-io/nkeys", why: "settings are plain data, composed here and handed out by the server"},
	"/server": {mayImport: "account auth client conn dashboard facts ids insight interest keys listen logs metrics monitor options perms pipe profile route system tlsconf version wire", why: "it wires everything below; the process is above it"},

	// process
	"cmdline": {mayImport: "options tlsconf version", why: "it turns arguments into options; running them is for process"},
	"plan":    {mayImport: "keys options", modules: "golang.org/x/sys/unix", why: "it compares settings; who reloads and who prints is for process"},
	"process": {mayImport: "cmdline ctl logs mkpasswd options plan systemd winsvc", why: "it drives a server through an interface; main passes the constructor"},
	"/":       {mayImport: "options process /server", why: "main only joins process and server"},

	// aside
	"/util/mkpasswd": {mayImport: "mkpasswd", why: "it only passes the process's arguments and streams"},
	"testkit":        {mayImport: "/server", why: "it starts servers for tests, through the public surface"},
	"blackbox":       {why: "it is a test"},
	"mixed":          {why: "it is a test"},
	"transcripts":    {why: "it is a test with its data"},
	"house":          {why: "it is a test"},
	"/bench":         {modules: "golang.org/x/sys/unix", why: "it measures executables from outside, ours and others, so it uses no package of ours"},
}

// inTests is what test files may import from other modules besides what the
// package itself may. Which packages of ours they import is up to them.
var inTests = []string{
	"github.com/chromedp/cdproto/cdp",
	"github.com/chromedp/cdproto/emulation",
	"github.com/chromedp/cdproto/log",
	"github.com/chromedp/cdproto/runtime",
	"github.com/chromedp/chromedp",
	"github.com/google/go-cmp/cmp",
	"github.com/google/go-cmp/cmp/cmpopts",
	"github.com/klauspost/compress/s2",
	"github.com/nats-io/nats.go",
	"github.com/nats-io/nkeys",
	"go.uber.org/goleak",
	"golang.org/x/crypto/bcrypt",
	"golang.org/x/sys/unix",
}

// name turns an import path of this module into a name of the table.
func name(path string) string {
	switch rest := strings.TrimPrefix(path, module); {
	case rest == "":
		return "/"
	case strings.HasPrefix(rest, "/internal/"):
		return strings.TrimPrefix(rest, "/internal/")
	default:
		return rest
	}
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		this := name(p.path)
		r, ok := rooms[this]
		if !seen[this] && !ok {
			t.Errorf("%s has no row in the import table: say what it may import, and why that is all", p.path)
		}
		seen[this] = true
		for _, path := range p.imports {
			switch {
			case ours(path) && !slices.Contains(strings.Fields(r.mayImport), name(path)):
				t.Errorf("%s must not import %s (%s): %s", p.path, path, p.system, r.why)
			case foreign(path) && !slices.Contains(strings.Fields(r.modules), path):
				t.Errorf("%s must not import %s (%s): other people's modules are used where the table says so, for a reason in docs/dependencies.md", p.path, path, p.system)
			}
		}
		for _, path := range p.testImports {
			if foreign(path) && !slices.Contains(inTests, path) && !slices.Contains(strings.Fields(r.modules), path) {
				t.Errorf("tests of %s must not import %s (%s): tests make do with the standard library and the few modules listed", p.path, path, p.system)
			}
		}
	}
	for row := range rooms {
		if !seen[row] {
			t.Errorf("the import table has a row for %s, which does not exist", row)
		}
	}
}

// The table would allow these to a package whose row says so; they must not be in
// any row.
func TestWhatNoRowMayAllow(t *testing.T) {
	users := map[string][]string{
		"/server":     {"/", "testkit"},
		"testkit":     nil, // test files only
		"transcripts": nil,
		"house":       nil,
		"process":     {"/"},
		"cmdline":     {"process"},
		"/":           nil,
	}
	for row, r := range rooms {
		for _, to := range strings.Fields(r.mayImport) {
			if allowed, special := users[to]; special && !slices.Contains(allowed, row) {
				t.Errorf("the row of %s allows %s, which only %q may import", row, to, allowed)
			}
		}
	}
}

// An arrow that closes a circle would not compile, but one from a lower floor to a
// higher would.
func TestArrowsPointDown(t *testing.T) {
	floors := []string{
		"profile subject buf facts insight logs pipe ids dial version conf ctl mkpasswd systemd winsvc house transcripts blackbox mixed /bench",
		"wire conn squeeze keys perms /util/mkpasswd",
		"interest auth tlsconf",
		"account options",
		"dashboard delivery listen plan monitor",
		"client route metrics system",
		"/server",
		"cmdline",
		"process",
		"testkit",
		"/",
	}
	floor := map[string]int{}
	for i, names := range floors {
		for _, n := range strings.Fields(names) {
			floor[n] = i
		}
	}
	for row, r := range rooms {
		at, ok := floor[row]
		if !ok {
			t.Errorf("%s is on no floor", row)
		}
		for _, to := range strings.Fields(r.mayImport) {
			if floor[to] >= at {
				t.Errorf("the row of %s allows %s, which is not below it", row, to)
			}
		}
	}
}

// A library neither takes over the signals of the process it is in nor its flags,
// and brings no test code with it. That there is expvar is the doing of the library for
// metrics.
func TestServerIsALibrary(t *testing.T) {
	for _, path := range strings.Fields(golist(t, "", "-deps", module+"/server")) {
		switch path {
		case "os/signal", "flag", "testing", "net/http/pprof":
			t.Errorf("package server depends on %s", path)
		}
	}
}
