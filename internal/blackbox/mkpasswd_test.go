//go:build unix

package blackbox_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var hashLine = regexp.MustCompile(`(?m)^bcrypt hash: (\$2a\$(\d\d)\$[./A-Za-z0-9]{53})$`)

// mkpasswd runs the tool and returns its result and the hash.
func mkpasswd(t *testing.T, input string, args ...string) (result, string) {
	t.Helper()
	got := ours.runAs(t, &exec.Cmd{Stdin: strings.NewReader(input)}, append([]string{"mkpasswd"}, args...)...)
	if m := hashLine.FindStringSubmatch(got.Stdout); m != nil {
		return got, m[1]
	}
	return got, ""
}

// A hash made here is accepted by every server.
func TestMkpasswd(t *testing.T) {
	const password = `correct horse "battery" $taple`
	got, hash := mkpasswd(t, password+"\nmore\n", "-p", "-c", "4")
	check(t, "mkpasswd", got, result{Stdout: "bcrypt hash: " + hash + "\n"})
	if !strings.HasPrefix(hash, "$2a$04$") {
		t.Errorf("hash %q", hash)
	}
	quoted := strings.ReplaceAll(password, `"`, `\"`)
	both(t, func(t *testing.T, b binary) {
		f := func(authorization, connect string) {
			t.Helper()
			p := b.start(t, "-c", file(t, "x.conf", fmt.Sprintf("authorization { "+authorization+" }", hash)))
			guest(t, p, fmt.Sprintf(connect, quoted))
			refusedGuest(t, p, fmt.Sprintf(connect, "wrong"))
			refusedGuest(t, p, fmt.Sprintf(connect, hash))
			if strings.Contains(p.log(), "Plaintext passwords detected") {
				t.Error("takes the hash for a plain password")
			}
			p.stop()
		}
		f("user: u, password: %q", `"user":"u","pass":"%s"`)
		f("users: [{user: u, password: %q}]", `"user":"u","pass":"%s"`)
		f("token: %q", `"auth_token":"%s"`)
		f("user: u, password: '%s'", `"user":"u","pass":"%s"`)
	})
}

func TestMkpasswdInvents(t *testing.T) {
	got, hash := mkpasswd(t, "")
	m := regexp.MustCompile(`^pass: ([a-zA-Z0-9!@$#%^&*()]{22})\nbcrypt hash: \$2a\$11\$\S{53}\n$`).FindStringSubmatch(got.Stdout)
	if m == nil || got.Code != 0 || got.Stderr != "" {
		t.Fatalf("%+v", got)
	}
	p := ours.start(t, "-c", file(t, "x.conf", fmt.Sprintf("authorization {user: u, password: %q}", hash)))
	guest(t, p, fmt.Sprintf(`"user":"u","pass":%q`, m[1]))
	refusedGuest(t, p, fmt.Sprintf(`"user":"u","pass":%q`, m[1][1:]))
}

func TestMkpasswdErrors(t *testing.T) {
	f := func(want result, input string, args ...string) {
		t.Helper()
		got, _ := mkpasswd(t, input, args...)
		check(t, fmt.Sprint(args), got, want)
	}
	f(result{Code: 1, Stderr: "Error, the password is empty\n"}, "", "-p")
	f(result{Code: 1, Stderr: "Error, the password is empty\n"}, "\n", "-p")
	f(result{Code: 1, Stderr: "Error producing bcrypt hash: bcrypt: password length exceeds 72 bytes\n"}, strings.Repeat("x", 73), "-p", "-c", "4")
	f(result{Code: 1, Stderr: "Error producing bcrypt hash: crypto/bcrypt: cost 40 is outside allowed inclusive range 4..31\n"}, "long enough\n", "-p", "-c", "40")
	got, _ := mkpasswd(t, "", "-nosuch")
	if got.Code != 2 || !strings.HasPrefix(got.Stdout, "Usage: mkpasswd ") || !strings.HasPrefix(got.Stderr, "flag provided but not defined: -nosuch\n") {
		t.Errorf("%+v", got)
	}
	got, _ = mkpasswd(t, "", "-h")
	if got.Code != 0 || !strings.HasPrefix(got.Stdout, "Usage: mkpasswd ") {
		t.Errorf("%+v", got)
	}
	got, _ = mkpasswd(t, "", "-p", "MY-PASSWORD")
	if got.Code != 2 || strings.Contains(got.Stdout+got.Stderr, "MY-PASSWORD") {
		t.Errorf("%+v", got)
	}
}
