package client_test

import (
	"strings"
	"testing"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// canary stands for any secret. What a log must not show is its last part, in case
// the first is escaped, cut off or read as the end.
const (
	canary = `can\"ary-` + digits
	digits = "73917391"
)

// mistakes are ways to say CONNECT, right and wrong, with a secret under KEY.
var mistakes = []string{
	`CONNECT {"user":"u","KEY":"CANARY"}`,
	`CONNECT { "verbose" : false , "KEY"	:  "CANARY" }`,
	`CONNECT {"KEY":["CANARY"]}`,
	`CONNECT {"KEY":{"x":"CANARY"}}`,
	`CONNECT {"x":{"KEY":"CANARY"}}`,
	`CONNECT {"KEY":DIGITS}`,
	`CONNECT {"KEY":"CANARY`,
	`CONNECT {"KEY":'CANARY'}`,
	`CONNECT {KEY:"CANARY"}`,
	`CONNECT {"KEY":"CANARY","KEY":"CANARY"}`,
	`CONNECT {"KEY":"CANARY"} x`,
	`connect{"KEY":"CANARY","name":"` + strings.Repeat("x", 5000) + `"}`,
	`CONNECT   ` + strings.Repeat(" ", 1500) + `{"KEY":"CANARY"}`,
	`CONNECTS {"KEY":"CANARY"}`,
	`CONECT {"KEY":"CANARY"}`,
	"\r\n" + `CONNECT {"KEY":"CANARY"}`,
	` CONNECT {"KEY":"CANARY"}`,
	"PIN\r\n" + `CONNECT {"KEY":"CANARY"}`,
	"CONNECT {}\r\n" + `CONNECT {"KEY":"CANARY"}`,
	`INFO {"KEY":"CANARY"}`,
	`{"KEY":"CANARY"}`,
	`CONNECT {"protocol":"x","KEY":"CANARY"}`,
}

// Whatever a client does with its secrets, and whatever mistake it makes, no line
// of any level shows them.
func TestSecretsAreNotLogged(t *testing.T) {
	for name, o := range map[string]server.Options{
		"open":     {},
		"password": {Username: "u", Password: "can\"ary-" + digits},
		"token":    {Authorization: "can\"ary-" + digits},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := start(t, o, true)
			for _, key := range []string{"pass", "auth_token", "jwt", "sig", "nkey", "PASS", "Auth_Token", `pas\u0073`, `auth\u005ftoken`} {
				for _, text := range mistakes {
					text = strings.NewReplacer("KEY", key, "CANARY", canary, "DIGITS", digits).Replace(text)
					for _, end := range []string{"\r\nPING\r\n", ""} {
						log.clear()
						say(t, s, text+end)
						gone(t, s)
						for _, line := range log.with(digits) {
							t.Errorf("a client sends %.100q: logged %q", text+end, line)
							break // one of a kind is enough to read
						}
					}
				}
				if t.Failed() {
					return
				}
			}
			s.Shutdown()
			if len(log.with(digits)) > 0 {
				t.Errorf("at the end: %q", log.with(digits))
			}
		})
	}
}

// say sends text in two pieces, and waits for the end.
func say(t *testing.T, s *server.Server, text string) {
	t.Helper()
	r := testkit.Dial(t, s.Addr().String())
	r.Send(text[:len(text)/2])
	r.Send(text[len(text)/2:])
	_ = r.HalfClose() // fails where the server was faster
	_, err := r.TryClosed()
	noErr(t, err)
	noErr(t, r.Close())
}
