//go:build unix

package blackbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"nats-server/internal/testkit"
)

// hides fails the test if a text shows one of the secrets.
func hides(t *testing.T, what, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s shows %s: %q", what, secret, text[max(0, at-200):min(len(text), at+200)])
		}
	}
}

// shown is what other programs can read of a process: its arguments and, for its own
// user, the settings that it publishes.
func shown(t *testing.T, p *process) (arguments, settings string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux hides them")
	}
	dir := fmt.Sprintf("/proc/%d", p.pid())
	files, err := os.ReadDir(dir + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(dir, "fd", f.Name())
		if to, _ := os.Readlink(path); strings.HasPrefix(to, "/memfd:") {
			settings += read(t, path)
		}
	}
	if !strings.Contains(settings, "max_payload") {
		t.Errorf("no settings are published: %q", settings)
	}
	return read(t, dir+"/cmdline"), settings
}

// visit has clients come with good, wrong and strange credentials.
func visit(t *testing.T, p *process, good string) {
	t.Helper()
	guest(t, p, good).Close()
	for _, connect := range []string{
		`"user":"eve","pass":"WRONG-PASS","auth_token":"WRONG-TOKEN"`,
		`"auth_token":"WRONG-TOKEN","jwt":"WRONG-JWT","sig":"WRONG-SIG","nkey":"WRONG-NKEY"`,
		`"Pass":"WRONG-PASS","AUTH_TOKEN":"WRONG-TOKEN"`,
		`"user":{"pass":"WRONG-PASS"}`,
	} {
		r := testkit.Dial(t, p.addr())
		r.Send("CONNECT {" + connect + "}\r\nPING\r\n")
		if _, err := r.TryClosed(); err != nil {
			t.Errorf("%s: %v", connect, err)
		}
	}
	r := testkit.Dial(t, p.addr())
	r.Send("CONNECT {\"pass\":\"WRONG-PASS\",\"auth_token\":WRONG-TOKEN\r\n")
	if _, err := r.TryClosed(); err != nil {
		t.Error(err)
	}
}

var wrong = []string{"WRONG-PASS", "WRONG-TOKEN", "WRONG-JWT", "WRONG-SIG", "WRONG-NKEY"}

func TestSecretFlags(t *testing.T) {
	conf := file(t, "x.conf", "max_payload: 1000\n")
	f := func(good string, hidden []string, args ...string) {
		t.Helper()
		p := ours.start(t, append([]string{"-DV", "-c", conf}, args...)...)
		visit(t, p, good)
		arguments, settings := shown(t, p)
		// The name of a user is no secret in a log.
		secrets := append(wrong, hidden[len(hidden)-1])
		hides(t, "the command line", arguments, hidden...)
		hides(t, "the published settings", settings, hidden...)
		if !strings.Contains(arguments, conf) {
			t.Errorf("arguments %q", arguments)
		}
		write(t, conf, "max_payload: 2000\n")
		got := ours.run(t, append([]string{"-a", "127.0.0.1", "-p", "-1", "-DV", "-t", "-c", conf, "--against", fmt.Sprint(p.pid())}, args...)...)
		if got.Code != 0 || !strings.Contains(got.Stderr, "max_payload: 1000 -> 2000") || strings.Contains(got.Stderr, "authorization") {
			t.Errorf("plan %+v", got)
		}
		if without := against(t, conf, fmt.Sprint(p.pid())); without != got { // those of the process count
			t.Errorf("plan %+v, without flags %+v", got, without)
		}
		hides(t, "the plan", got.Stderr, hidden...)
		p.reload(reloaded)
		visit(t, p, good)
		arguments, settings = shown(t, p)
		hides(t, "the command line after a reload", arguments, hidden...)
		hides(t, "the published settings after a reload", settings, hidden...)
		p.stop()
		hides(t, "the log", p.log(), secrets...)
		write(t, conf, "max_payload: 1000\n")
	}
	good := `"user":"SECRET-USER","pass":"SECRET-PASS"`
	hidden := []string{"SECRET-USER", "SECRET-PASS"}
	f(good, hidden, "--user", "SECRET-USER", "--pass", "SECRET-PASS")
	f(good, hidden, "-user=SECRET-USER", "-pass=SECRET-PASS")
	f(`"auth_token":"SECRET-TOKEN"`, []string{"SECRET-TOKEN"}, "--auth", "SECRET-TOKEN")
	f(`"auth_token":"SECRET-TOKEN"`, []string{"SECRET-TOKEN"}, "-auth=SECRET-TOKEN", "-n", "x")
}

func TestSecretsInFiles(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("SECRET-HASHED"), 4)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(wrong, "SECRET-PASS", "SECRET-NEXT", "SECRET-HASHED", string(hash), "7117117")
	text := func(pass string) string {
		return fmt.Sprintf("authorization { users = [ {user: a, password: %s}, {user: b, password: %q} ] }\n", pass, hash)
	}
	conf := file(t, "x.conf", text("SECRET-PASS"))
	p := ours.start(t, "-DV", "-c", conf)
	visit(t, p, `"user":"a","pass":"SECRET-PASS"`)
	visit(t, p, `"user":"b","pass":"SECRET-HASHED"`)
	_, settings := shown(t, p)
	hides(t, "the published settings", settings, secrets...)
	write(t, conf, text("SECRET-NEXT"))
	got := ours.run(t, "-t", "-c", conf, "--against", fmt.Sprint(p.pid()))
	if !strings.Contains(got.Stderr, "  authorization users: changed: applied at once\n") {
		t.Errorf("plan %+v", got)
	}
	hides(t, "the plan", got.Stderr, secrets...)
	p.reload(reloaded)
	visit(t, p, `"user":"a","pass":"SECRET-NEXT"`)
	_, settings = shown(t, p)
	hides(t, "the published settings after a reload", settings, secrets...)
	// Mistakes end up in the log, too: without what may be a secret.
	write(t, conf, text("7117117"))
	p.reload(notReloaded)
	write(t, conf, "authorization {user: a, password: 7117117}\n")
	p.reload(notReloaded)
	write(t, conf, "authorization {token: 7117117}\n")
	p.reload(notReloaded)
	write(t, conf, "authorization {users: SECRET-PASS}\n")
	p.reload(notReloaded)
	write(t, conf, "authorization {users: [SECRET-PASS]}\n")
	p.reload(notReloaded)
	write(t, conf, "authorization {users: [{user: a, password: [SECRET-PASS], token: SECRET-NEXT}]}\n")
	p.reload(notReloaded)
	p.stop()
	hides(t, "the log", p.log(), secrets...)
}

// Complaints about a configuration name keys and variables, and never show what they
// hold.
func TestComplaintsShowNoSecrets(t *testing.T) {
	const secret = "s3cr3t"
	t.Setenv("NATS_TEST_SECRET", secret+" x y")
	t.Setenv("NATS_TEST_ARRAY", "["+secret+", x")
	f := func(text, want string) {
		t.Helper()
		conf := file(t, "x.conf", text)
		got := ours.run(t, "-t", "-c", conf)
		if got.Code == 0 || !strings.Contains(got.Stderr, want) {
			t.Errorf("%s: %d %s", text, got.Code, got.Stderr)
		}
		hides(t, text, got.Stdout+got.Stderr, secret)
	}
	f("UNUSED: s3cr3t", `unknown field "UNUSED": it is no key, and no value refers to it as $UNUSED`)
	f("UNUSED: {a: s3cr3t}", `"UNUSED"`)
	f("A: s3cr3t\nauthorization {token: $A}\nB: $A", `"B"`)
	f("authorization {token: $NATS_TEST_SECRET}", "'NATS_TEST_SECRET'")
	f("authorization {token: $NATS_TEST_ARRAY}", "'NATS_TEST_ARRAY'")
	f("A: s3cr3t\nauthorization {token: $B}", "'B'")
	f("authorization {pasword: s3cr3t}", `"pasword"`)
	f("authorization {token: [s3cr3t]}", "token expects a string")
	f("authorization {token: \"s3cr3t", "Parse error")
	f("authorization {token: (s3cr3t\n}", "Parse error")
	f("authorization {user: a, password: {s3cr3t: 1}}", "password expects a string")
	f("authorization {users: [{user: a, password: b}, s3cr3t]}", "Expected user entry")
	f("authorization {users: [{nkey: s3cr3t}]}", "nkey")
	f("authorization {user: s3cr3t, password: s3cr3t, users: [{user: a, password: s3cr3t}]}", "a single user/pass and a users array")
}
