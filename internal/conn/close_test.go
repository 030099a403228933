package conn_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nats-server/internal/conn"
)

// These say that the socket or its peer has failed; every other reason leaves time
// for last words.
var sudden = map[conn.Reason]bool{
	conn.ReadError: true, conn.WriteError: true, conn.SlowConsumerPending: true, conn.SlowConsumerDeadline: true,
}

func TestReasonTexts(t *testing.T) {
	f := func(r conn.Reason, want string) {
		t.Helper()
		equal(t, "text", r.String(), want)
	}
	f(conn.ClientClosed, "Client Closed")
	f(conn.AuthenticationTimeout, "Authentication Timeout")
	f(conn.AuthenticationViolation, "Authentication Failure")
	f(conn.SlowConsumerPending, "Slow Consumer (Pending Bytes)")
	f(conn.SlowConsumerDeadline, "Slow Consumer (Write Deadline)")
	f(conn.WriteError, "Write Error")
	f(conn.ReadError, "Read Error")
	f(conn.ParseError, "Parse Error")
	f(conn.StaleConnection, "Stale Connection")
	f(conn.ProtocolViolation, "Protocol Violation")
	f(conn.BadClientProtocolVersion, "Bad Client Protocol Version")
	f(conn.MaxConnectionsExceeded, "Maximum Connections Exceeded")
	f(conn.MaxPayloadExceeded, "Maximum Message Payload Exceeded")
	f(conn.MaxControlLineExceeded, "Maximum Control Line Exceeded")
	f(conn.ServerShutdown, "Server Shutdown")
	f(conn.NoRespondersRequiresHeaders, "No Responders Requires Headers")
	f(conn.InternalError, "Unknown State")
	f(conn.Reason(9999), "Unknown State")
}

func TestLastBytesLeaveIfTheReasonAllows(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		for r := conn.ClientClosed; r <= conn.InternalError; r++ {
			want := "last words"
			if sudden[r] {
				want = ""
			}
			w, s := newWorld(t), new(session)
			far := w.connect(tr, s)
			s.Out.Append([]byte("last "))
			s.Out.Append([]byte("words"))
			if !s.Close(r) {
				t.Errorf("%v: not the first", r)
			}
			s.Out.Append([]byte("too late"))
			s.Out.Flush(true)
			equal(t, r.String(), everything(t, far), want)
			equal(t, "the session's reason", s.reason(t), r)
			equal(t, "pending", s.Out.Pending(), 0)
			if !s.Closed() || !s.Out.Closed() {
				t.Errorf("%v: not closed", r)
			}
			w.over()
		}
	})
}

func TestTheFirstReasonWins(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), &session{label: "v1:go:x"}
		far := w.connect(tr, s)
		equal(t, "reason", s.Reason(), conn.Open)
		name := s.String()
		if want := s.RemoteAddr().String() + ` - cid:7 - "v1:go:x"`; name != want {
			t.Errorf("called %q, want %q", name, want)
		}
		equal(t, "first", s.Close(conn.ServerShutdown), true)
		equal(t, "first", s.Close(conn.ParseError), false)
		s.End(&conn.Verdict{Line: "-ERR 'no'\r\n", Reason: conn.StaleConnection, Log: "not told"})
		equal(t, "heard", everything(t, far), "")
		equal(t, "the session's reason", s.reason(t), conn.ServerShutdown)
		equal(t, "reason", s.Reason(), conn.ServerShutdown)
		w.over()
		equal(t, "further ends", len(s.ended), 0)
		equalAll(t, "debug lines", w.log.with("DBG", "closed"), []string{"DBG " + name + " - Client connection closed: Server Shutdown"})
		equalAll(t, "error lines", w.log.with("ERR", ""), nil)
	})
}

func TestEndTellsThePeerAndTheOperator(t *testing.T) {
	f := func(t *testing.T, tr transport, v conn.Verdict, logged ...string) {
		t.Helper()
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		s.Out.Append([]byte("before\r\n"))
		s.End(&v)
		equal(t, "heard", everything(t, far), "before\r\n"+v.Line)
		equal(t, "reason", s.reason(t), v.Reason)
		for i := range logged {
			logged[i] = "ERR " + s.String() + " - " + logged[i]
		}
		equalAll(t, "error lines", w.log.with("ERR", ""), logged)
	}
	overAll(t, func(t *testing.T, tr transport) {
		f(t, tr, conn.Verdict{Line: "-ERR 'x'\r\n", Reason: conn.ParseError, Log: "what happened"}, "what happened")
		f(t, tr, conn.Verdict{Line: "-ERR 'x'\r\n", Reason: conn.ParseError})
		f(t, tr, conn.Verdict{Reason: conn.ClientClosed})
	})
}

// What Consume returns decides how the connection ends.
func TestErrorsOfTheSessionEndTheConnection(t *testing.T) {
	verdict := &conn.Verdict{Line: "-ERR 'x'\r\n", Reason: conn.MaxPayloadExceeded, Log: "too much"}
	f := func(t *testing.T, tr transport, err error, heard string, reason conn.Reason, logged string) {
		t.Helper()
		w, s := newWorld(t), new(session)
		settled := 0
		s.consume = func(b []byte) (int, int, error) {
			s.Out.Append([]byte("+OK\r\n"))
			return 1, 0, err
		}
		s.settle = func() func() {
			settled++
			return nil
		}
		far := w.connect(tr, s)
		if _, err := far.Write([]byte("xyz")); err != nil {
			t.Fatal(err)
		}
		equal(t, "heard", everything(t, far), "+OK\r\n"+heard)
		equal(t, "reason", s.reason(t), reason)
		equalAll(t, "error lines", w.log.with("ERR", ""), []string{"ERR " + s.String() + " - " + logged})
		w.over()
		equal(t, "settled", settled, 1)
	}
	overAll(t, func(t *testing.T, tr transport) {
		f(t, tr, verdict, verdict.Line, conn.MaxPayloadExceeded, "too much")
		f(t, tr, errors.Join(errors.New("wrapped"), verdict), verdict.Line, conn.MaxPayloadExceeded, "too much")
		f(t, tr, errors.New("something else"), "", conn.ProtocolViolation, "something else")
	})
}

func TestRefusedPeersAreToldWhy(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		s.consume = func([]byte) (int, int, error) { panic("not to be called") }
		far := w.bind(tr, s)
		s.Out.Append([]byte("INFO {}\r\n"))
		s.Refuse(&conn.Verdict{Line: "-ERR 'full'\r\n", Reason: conn.MaxConnectionsExceeded, Log: "full"})
		equal(t, "heard", everything(t, far), "INFO {}\r\n-ERR 'full'\r\n")
		equal(t, "reason", s.Reason(), conn.MaxConnectionsExceeded)
		w.over()
		equal(t, "ends told to the session", len(s.ended), 0)
		equal(t, "panics", w.stats.Panics.Load(), 0)
	})
}

func TestCloseBeforeStart(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.bind(tr, s)
		s.Out.Append([]byte("last"))
		s.Close(conn.ServerShutdown)
		s.Start()
		equal(t, "heard", everything(t, far), "last")
		equal(t, "reason", s.reason(t), conn.ServerShutdown)
	})
}

func TestThePeerCloses(t *testing.T) {
	overAll(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s)
		far.Close()
		equal(t, "reason", s.reason(t), conn.ClientClosed)
		w.over()
		equal(t, "further ends", len(s.ended), 0)
	})
}

func TestThePeerResets(t *testing.T) {
	overTCP(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		far := w.connect(tr, s).(*net.TCPConn)
		noErr(t, far.SetLinger(0))
		far.Close()
		equal(t, "reason", s.reason(t), conn.ReadError)
	})
}

// What was sent before the end is processed, and answered.
func TestHalfClosedPeersGetTheirAnswers(t *testing.T) {
	overTCP(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		s.consume = func(b []byte) (int, int, error) {
			s.Out.Append([]byte(strings.ToUpper(string(b))))
			return len(b), 0, nil
		}
		s.settle = func() func() {
			s.Out.Flush(true)
			return nil
		}
		far := w.bind(tr, s).(*net.TCPConn)
		text := strings.Repeat("abcdefgh", 20_000)
		go func() {
			far.Write([]byte(text))
			far.CloseWrite()
		}()
		s.Start()
		if heard := everything(t, far); heard != strings.ToUpper(text) {
			t.Errorf("heard %d bytes of %d", len(heard), len(text))
		}
		equal(t, "reason", s.reason(t), conn.ClientClosed)
	})
}

// A peer that does not read holds the end up for a second, or for the write
// deadline if that is shorter.
func TestLastBytesHaveLimitedTime(t *testing.T) {
	f := func(deadline, want time.Duration, write bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			w, s := newWorld(t), new(session)
			w.cfg.WriteDeadline = deadline
			w.connect(transports[0], s)
			s.Out.Append(make([]byte, 100_000))
			if write { // by a writer that has begun before
				s.Out.Flush(false)
				synctest.Wait()
			}
			began := time.Now()
			s.Close(conn.ServerShutdown)
			s.reason(t)
			equal(t, "time until the session has ended", time.Since(began), 0)
			w.track.Wait()
			if took := time.Since(began); took != want {
				t.Errorf("took %v, want %v", took, want)
			}
			equal(t, "reason", s.Reason(), conn.ServerShutdown)
			equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 0)
		})
	}
	for _, write := range []bool{false, true} {
		f(time.Hour, time.Second, write)
		f(time.Millisecond, time.Millisecond, write)
	}
}

func TestLastBytesHaveLimitedTimeOnSockets(t *testing.T) {
	overTCP(t, func(t *testing.T, tr transport) {
		w, s := newWorld(t), new(session)
		w.cfg.WriteDeadline = 50 * time.Millisecond
		w.connect(tr, s)
		s.Out.Append(make([]byte, 32<<20))
		s.Close(conn.ServerShutdown)
		w.over()
		equal(t, "reason", s.Reason(), conn.ServerShutdown)
		equal(t, "slow consumers", w.stats.SlowConsumers.Load(), 0)
	})
}
