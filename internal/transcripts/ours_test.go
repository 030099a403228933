package transcripts_test

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"nats-server/internal/testkit"
	"nats-server/server"
)

// ourOptions are the options of a case in the form our server takes them.
func ourOptions(options map[string]string) (*server.Options, error) {
	o := new(server.Options)
	if name, ok := options["config"]; ok {
		var err error
		if o, _, err = server.ProcessConfigFile(configPath(name)); err != nil {
			return nil, err
		}
	}
	for key, value := range options {
		if key == "config" || options["config"] != "" && (key == "user" || key == "pass") {
			continue
		}
		if err := setOption(o, key, value); err != nil {
			return nil, fmt.Errorf("option %s: %w", key, err)
		}
	}
	return o, nil
}

func configPath(name string) string { return filepath.Join("testdata", name+".conf") }

func setOption(o *server.Options, key, value string) (err error) {
	switch key {
	case "max_control_line":
		err = setNumber(&o.MaxControlLine, value)
	case "max_payload":
		err = setNumber(&o.MaxPayload, value)
	case "max_connections":
		err = setNumber(&o.MaxConn, value)
	case "max_subscriptions":
		err = setNumber(&o.MaxSubs, value)
	case "max_sub_tokens":
		err = setNumber(&o.MaxSubTokens, value)
	case "max_pending":
		err = setNumber(&o.MaxPending, value)
	case "ping_max":
		err = setNumber(&o.MaxPingsOut, value)
	case "write_deadline":
		o.WriteDeadline, err = time.ParseDuration(value)
	case "ping_interval":
		o.PingInterval, err = time.ParseDuration(value)
	case "auth_timeout":
		o.AuthTimeout, err = time.ParseDuration(value)
	case "user":
		o.Username = value
	case "pass":
		o.Password = value
	case "token":
		o.Authorization = value
	case "no_header_support":
		o.NoHeaderSupport, err = strconv.ParseBool(value)
	default:
		err = fmt.Errorf("our server has no such option")
	}
	return err
}

func setNumber[T int | int32 | int64](field *T, value string) error {
	n, err := strconv.ParseInt(value, 10, 32)
	*field = T(n)
	return err
}

// runOnOurs plays a case once against a fresh server of ours.
func runOnOurs(t *testing.T, c *script, m mode, dial func(*server.Server) (net.Conn, error)) {
	t.Helper()
	opts, err := ourOptions(c.options)
	if err != nil {
		t.Fatal(err)
	}
	s := testkit.Start(t, opts)
	defer s.Shutdown()
	n := &nudger{options: c.options, addr: s.Addr().String()}
	defer n.close()
	r := &runner{t: t, script: c, target: true, split: m.split, nudge: n.nudge,
		dial: func() (net.Conn, error) { return dial(s) }}
	report(t, c, m.name, r.run())
	if n := s.NumPanics(); n != 0 {
		t.Errorf("%s.txt, %q, sent %s: %d sessions panicked", c.file, c.title, m.name, n)
	}
}

func overTCP(s *server.Server) (net.Conn, error) { return dialTCP(s.Addr().String())() }

func inProcess(s *server.Server) (net.Conn, error) { return s.InProcessConn() }

// fitsInProcess reports whether a case makes sense on a connection that has no
// address and no half close.
func (c *script) fitsInProcess() bool {
	return !c.tcp && !slices.ContainsFunc(c.steps, func(s step) bool { return s.kind == kindFin })
}

// A nudger gives the server the time to read one piece before the next is sent,
// by a round trip on a connection of its own. That is not certain to work, but
// does so nearly always, and if not the case is merely split less.
type nudger struct {
	options map[string]string
	addr    string

	conn net.Conn
	in   *bufio.Reader
}

func (n *nudger) nudge() {
	if n.conn == nil && !n.connect() {
		return
	}
	if _, err := n.conn.Write([]byte("PING\r\n")); err == nil {
		_, _ = n.in.ReadString('\n')
	}
}

func (n *nudger) connect() bool {
	conn, err := dialTCP(n.addr)()
	if err != nil {
		return false
	}
	n.conn, n.in = conn, bufio.NewReader(conn)
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = n.in.ReadString('\n') // INFO
	_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"user\":%q,\"pass\":%q,\"auth_token\":%q}\r\n",
		n.options["user"], n.options["pass"], n.options["token"])
	return err == nil
}

func (n *nudger) close() {
	if n.conn != nil {
		_ = n.conn.Close()
	}
}
