package route_test

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/s2"
)

// compressed is text as a stream of the library.
func compressed(text string) string {
	var b bytes.Buffer
	w := s2.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

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
		connectC1 + infoOf("NPEER", "B", 1, slot(1)) + "RS+ $G a\r\n" + infoOf("NOTHER", "C", 1, forSystem+`,"ip":"nats-route://[::1]:1/"`),
		connectC1 + infoOf("NPEER", "B", 1, forSystem) + "RS+ a q 1\r\nLS+ O a\r\nLS- O a\r\nRMSG a | q 1\r\nx\r\nLMSG O a 0 1\r\nx\r\n",
		connectC1 + infoOf("NPEER", "B", 1, slot(-1)), connectC1 + infoOf("NPEER", "B", 1, slot(99)), connectC1 + infoOf("NSECOND", "B", 1, ofThree),
		connectC1 + infoOf("NPEER", "B", 1, slot(0)) + `INFO {"route_account":"$G","route_pool_size":9,"route_acc_add_reqid":"x"}` + "\r\n",
		connectC1 + infoOf("NPEER", "B", 1, mode("s2_fast")) + compressed(infoOf("NPEER", "B", 1, slot(2))+"RS+ $G a\r\n") + compressed("PING\r\n"),
		connectC1 + infoOf("NPEER", "B", 1, mode("s2_auto")) + compressed("PI") + compressed("NG\r\n") + "PING\r\n",
	} {
		f.Add([]byte(s), len(s)/2)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		w := pooled(t, false)
		w.set.Compression.Mode = "accept"
		w.start()
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
