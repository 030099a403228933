package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// pair is two servers of one cluster, which the second has dialed.
type pair struct{ a, b *process }

// startPair starts the program under test twice. That the servers know of each
// other, and of an interest, is for reach to find out.
func (e *env) startPair() (pr pair, err error) {
	port, err := freePort()
	if err != nil {
		return pair{}, err
	}
	seed := fmt.Sprintf("cluster { name: bench, listen: \"127.0.0.1:%d\" }\n", port)
	if pr.a, err = e.startConfigured("seed", seed); err != nil {
		return pair{}, err
	}
	second := fmt.Sprintf("cluster { name: bench, listen: \"127.0.0.1:-1\", routes: [ \"nats-route://127.0.0.1:%d\" ] }\n", port)
	pr.b, err = e.startConfigured("second", second)
	return pr, err
}

// startConfigured is startServer with the text of a configuration file, if any.
func (e *env) startConfigured(name, text string) (*process, error) {
	if text == "" {
		return e.startServer()
	}
	f, err := os.CreateTemp(e.dir, name+"-*.conf")
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return e.startServer("-c", f.Name())
}

const (
	probePatience = 10 * time.Second
	probePause    = 5 * time.Millisecond
)

// reach waits until what is published on one connection reaches the others,
// which have subscribed to the subject with the sid: it sends numbered probes
// until one arrives everywhere, and takes all of them off the connections again.
func reach(from *sock, to []*sock, subject, sid string) error {
	got := make([][]byte, len(to))
	begin := time.Now()
	sent := 0
	probe := func() []byte { return fmt.Appendf(nil, "MSG %s %s 8\r\n%08d\r\n", subject, sid, sent) }
	for first := true; first || len(got[0]) == 0; first = false {
		if time.Since(begin) > probePatience {
			return errors.New("nothing gets from one server to the other")
		}
		sent++
		if err := from.write(fmt.Appendf(nil, "PUB %s 8\r\n%08d\r\n", subject, sent)); err != nil {
			return err
		}
		if err := to[0].gather(&got[0], probePause); err != nil {
			return err
		}
	}
	// The interest is known now, so that all later ones arrive, too.
	for i, s := range to {
		for !bytes.HasSuffix(got[i], probe()) {
			if time.Since(begin) > probePatience {
				return fmt.Errorf("the probe %d does not arrive", sent)
			}
			if err := s.gather(&got[i], probePause); err != nil {
				return err
			}
		}
	}
	return nil
}

// gather appends what arrives within some time, without PINGs of the server.
func (s *sock) gather(all *[]byte, within time.Duration) error {
	s.readTimeout(within)
	defer s.readTimeout(socketTimeout)
	buf := make([]byte, 4096)
	n, err := syscall.Read(s.fd, buf)
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return nil
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case n == 0:
		return errors.New("the connection was closed")
	}
	*all = bytes.ReplaceAll(append(*all, buf[:n]...), []byte(pingLine), nil)
	return nil
}

// runRouted measures a shape whose publishers are on one server and whose
// subscribers are on the other, with the CPU time of both.
func (sh shape) runRouted(e *env) (measurement, error) {
	pr, err := e.startPair()
	if err != nil {
		return measurement{}, err
	}
	f, err := e.shapeFlow(pr.a, pr.b, sh, hotSubject)
	if err != nil {
		return measurement{}, err
	}
	if err := reach(f.pubs[0], f.subs, hotSubject, hotSid); err != nil {
		return measurement{}, err
	}
	return e.measureFlows([]*flow{f})
}

// routed is a throughput scenario across a route.
func routed(name, title string, target float64, sh shape) scenario {
	return scenario{name: name, title: title, figure: "CPU/delivery", unit: "ns", target: target, run: sh.runRouted}
}

// runRoutedReqRep measures round trips between clients of different servers.
func runRoutedReqRep(e *env) (measurement, error) {
	pr, err := e.startPair()
	if err != nil {
		return measurement{}, err
	}
	requester, err := e.subscriber(pr.a.port, sockOptions{}, inboxPrefix+".*", "", answerSid)
	if err != nil {
		return measurement{}, err
	}
	responder, err := e.subscriber(pr.b.port, sockOptions{}, "svc", "", "1")
	if err != nil {
		return measurement{}, err
	}
	if err := reach(requester, []*sock{responder}, "svc", "1"); err != nil {
		return measurement{}, err
	}
	if err := reach(responder, []*sock{requester}, inboxPrefix+".probe", answerSid); err != nil {
		return measurement{}, err
	}
	return e.measureReqRep(newExchange(), requester, responder)
}

// withAccounts is a configuration of several accounts with several users each.
func withAccounts() string {
	var text bytes.Buffer
	text.WriteString("accounts {\n")
	for a := range 8 {
		fmt.Fprintf(&text, "  A%d { users: [", a)
		for u := range 4 {
			fmt.Fprintf(&text, " { user: \"u%d-%d\", password: \"p\" },", a, u)
		}
		text.WriteString(" ] }\n")
	}
	text.WriteString("}\n")
	return text.String()
}

// runAccounts compares our server without a configuration and with accounts, in
// turns. The figure is by how many percent a delivery costs more, as the median.
func runAccounts(e *env) (measurement, error) {
	const rounds = 5
	sh := shape{pubs: 1, subs: 1, size: 128}
	users := sh
	users.user, users.pass = "u3-2", "p"
	var more, plain, accounts []float64
	for range rounds {
		a, err := e.apart(func(e *env) (measurement, error) { return sh.run(e) })
		if err != nil {
			return measurement{}, err
		}
		b, err := e.apart(func(e *env) (measurement, error) { return users.runWith(e, withAccounts()) })
		if err != nil {
			return measurement{}, err
		}
		plain, accounts = append(plain, a.Figure), append(accounts, b.Figure)
		more = append(more, 100*(b.Figure/a.Figure-1))
	}
	sp := spreadOf(more)
	return measurement{
		Figure: sp.Median,
		Note: fmt.Sprintf("CPU/delivery without %s ns, with %s ns, more by %.1f %% (%.1f to %.1f)",
			number(spreadOf(plain).Median), number(spreadOf(accounts).Median), sp.Median, sp.Min, sp.Max),
	}, nil
}
