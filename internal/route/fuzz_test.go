package route_test

import (
	"testing"
)

// FuzzSession feeds a session anything, in two pieces. It must end cleanly, or go on,
// and never by a panic.
func FuzzSession(f *testing.F) {
	join := connectC1 + infoOf("NPEER", "B", 9000, "")
	for _, s := range []string{
		"", "\r\n", "PING\r\n", connectC1, join,
		"CONNECT {}\r\nINFO {}\r\n",
		join + "RS+ $G a\r\nRS+ $G a q 2\r\nRS- $G a q\r\nRS- $G a\r\n",
		join + "LS+ LC $G a\r\nLS+ LC $G a q 1\r\nLS- $G a\r\nLMSG LC $G a 0 1\r\nx\r\n",
		join + "RMSG $G a 1\r\nx\r\nRMSG $G a r 1\r\nx\r\nRMSG $G a | q 1\r\nx\r\nRMSG $G a + r q p 1\r\nx\r\n",
		join + "RS+ $G a q 1\r\nRMSG $G a + r q 1\r\nx\r\nHMSG $G a 12 13\r\nNATS/1.0\r\n\r\nx\r\n",
		join + infoOf("NOTHER", "C", 1, `,"ip":"nats-route://[::1]:1/"`) + infoOf("NPEER", "B", 1, `,"ldm":true`),
		join + infoOf("NPEER", "B", 1, `,"export":{"allow":["a..b"]}`) + infoOf("NPEER", "B", 1, `,"export":{"deny":["a"]}`),
		join + infoOf("NPEER", "B", 1, `,"route_acc_add_reqid":"x","gateway":"g"`),
		join + "-ERR 'x'\r\n", join + "RS+ NOBODY a\r\nRS+ $G a..b\r\nA+ x\r\n+OK\r\nFOO\r\n",
		join + "RMSG $G a 99999999999\r\n", join + "RMSG $G a 999999999\r\n",
	} {
		f.Add([]byte(s), len(s)/2)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		w := newWorld(t, false).start()
		other := w.join("NSECOND", "")
		other.Send("RS+ $G a q 1\r\nRS+ $G a p 2\r\n")
		other.quiet(t)
		w.local("$G", "b", "q")
		p := w.dialIn()
		p.info(t)
		cut = min(max(cut, 0), len(b))
		if p.TrySend(b[:cut]) == nil {
			p.TrySend(b[cut:])
		}
		p.Close() // and the world waits for the session's end
		other.Close()
	})
}
