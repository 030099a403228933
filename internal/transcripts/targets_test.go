package transcripts_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"nats-server/internal/testkit"
)

// knownOptions are the settings a case may ask for, named as in configuration
// files; user, pass, token and auth_timeout stand for the authorization block. A config is
// a file in testdata; user and pass beside it are those of a client that is not in the case.
var knownOptions = []string{
	"max_control_line", "max_payload", "max_connections", "max_subscriptions", "max_sub_tokens",
	"max_pending", "write_deadline", "ping_interval", "ping_max", "user", "pass", "token",
	"auth_timeout", "no_header_support", "config",
}

// startReference runs the reference server with the options of a case.
func startReference(t *testing.T, options map[string]string) (addr string) {
	t.Helper()
	config, err := referenceConfig(options)
	if err != nil {
		t.Fatal(err)
	}
	return testkit.StartReferenceConfig(t, config)
}

func referenceConfig(options map[string]string) (string, error) {
	var top, auth strings.Builder
	if name, ok := options["config"]; ok {
		b, err := os.ReadFile(configPath(name))
		if err != nil {
			return "", err
		}
		return string(b), nil
	}
	for _, key := range knownOptions {
		value, ok := options[key]
		if !ok {
			continue
		}
		switch key {
		case "user", "token":
			fmt.Fprintf(&auth, "  %s: %q\n", key, value)
		case "pass":
			fmt.Fprintf(&auth, "  password: %q\n", value)
		case "auth_timeout":
			d, err := time.ParseDuration(value)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&auth, "  timeout: %g\n", d.Seconds())
		case "write_deadline", "ping_interval":
			fmt.Fprintf(&top, "%s: %q\n", key, value)
		default:
			fmt.Fprintf(&top, "%s: %s\n", key, value)
		}
	}
	if auth.Len() > 0 {
		fmt.Fprintf(&top, "authorization {\n%s}\n", auth.String())
	}
	return top.String(), nil
}

// dialTCP returns the dialer of a case's connections.
func dialTCP(addr string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.DialTimeout("tcp", addr, 10*time.Second) }
}
