package client_test

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"runtime/metrics"
	"strings"
	"testing"

	"nats-server/internal/account"
	"nats-server/internal/auth"
	"nats-server/internal/client"
	"nats-server/internal/testkit"
)

// Bits of the mode with which FuzzSession runs a session.
const (
	withAuth = 1 << iota
	withTrace
	withoutHeaders
	withGreeting // CONNECT has been said
	withAccount  // which has led into an account with limits
)

// introduction is a CONNECT that is accepted in all modes.
const introduction = "CONNECT {\"verbose\":false,\"headers\":true,\"user\":\"u\",\"pass\":\"p\",\"auth_token\":\"t\"}\r\nPING\r\n"

// interesting are inputs from which others are made: something of every verb,
// every kind of mistake, and what lies between two reads.
var interesting = []string{
	"",
	"\r\n",
	"\n",
	"PING\r\n",
	"ping\npInG extra\r\nPONG\r\n+OK\r\n",
	"CONNECT {}\r\nPING\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nUNSUB 1\r\nPING\r\n",
	"CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nPING\r\nSUB r 1\r\nPUB x r 0\r\n\r\n",
	"CONNECT {\"auth_token\":\"t\"}\r\nCONNECT {\"echo\":false}\r\n",
	"CONNECT {\"protocol\":7}\r\n",
	"CONNECT {\"no_responders\":true}\r\n",
	"CONNECT {\"user\":1}\r\nCONNECT null\r\n",
	"CONNECT [\r\n",
	"CONNECT{}\r\n",
	"CONNECT {\"account\":\"x\"}\r\n",
	"CONNECT {\"user\":\"u\",\"pass\":\"p\"}\r\nSUB a 1\r\nCONNECT {\"user\":\"v\",\"verbose\":false}\r\nPUB a 1\r\nx\r\nSUB a 1\r\nPUB a 1\r\nx\r\n",
	"CONNECT {\"user\":\"u\",\"pass\":\"p\"}\r\nSUB a 1\r\nSUB b 2\r\nSUB c 3\r\nPUB a 11\r\n",
	"SUB a 1\r\nPUB a 1\r\nx\r\nCONNECT {\"user\":\"h\",\"pass\":\"s3cr3t\",\"verbose\":false}\r\nPUB a 1\r\nx\r\nCONNECT {\"user\":\"v\"}\r\nPING\r\n",
	"CONNECT {\"user\":\"h\",\"pass\":\"x\"}\r\nPING\r\n",
	"CONNECT {\"user\":\"full\",\"verbose\":false}\r\nPING\r\n",
	"SUB a 1\r\nCONNECT {\"user\":\"u\",\"pass\":\"p\"}\r\nPUB a 1\r\nx\r\n",
	"SUB a.* 1\r\nSUB > 2\r\nSUB a.b 3\r\nUNSUB 3 2\r\nPUB a.b 0\r\n\r\nPUB a.b 0\r\n\r\nPUB a.b 0\r\n\r\n",
	"SUB a q 1\r\nSUB * q 2\r\nPUB a 1\r\nx\r\nUNSUB 1\r\nPUB a 1\r\nx\r\n",
	"SUB a..b 1\r\nSUB a. 2\r\nSUB .a 3\r\nSUB a.>.b 4\r\nSUB a _sys_ 5\r\n",
	"SUB a 1\r\nSUB b 1\r\nUNSUB 1 1\r\nUNSUB 1 0\r\nUNSUB 1 -1\r\nUNSUB x y\r\nUNSUB 9\r\n",
	"PUB a..b 0\r\n\r\nPUB a.* 0\r\n\r\nPUB $NRG.x 0\r\n\r\nPUB a _R_.x 0\r\n\r\n",
	"PUB a 1\r\nxx\r\n",
	"PUB . 0\n\ra", // the complaint about the subject comes before the payload
	"PUB . 9999\r\n",
	"PUB a 1\r\nx\n",
	"PUB a 000000001\r\nx\r\nPUB a 0000000001\r\nx\r\n",
	"PUB a -1\r\n",
	"PUB a 4097\r\n",
	"PUB a 999999999\r\n",
	"PUB a b c 1\r\n",
	"PUB a\r\n",
	"HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHPUB a r 0 2\r\nhi\r\n",
	"HPUB a 15 14\r\n",
	"HPUB a 1\r\n",
	"MSG a 1 2\r\nhi\r\n",
	"-ERR 'x'\r\n",
	"INFO {}\r\nINFO x\r\n",
	"RS+ $G a\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"SUB \x00\xff\x80 \xfe\r\nPUB \x00\xff\x80 3\r\n\x00\r\n\r\n",
	"SUB " + strings.Repeat("a.", 250) + "a 1\r\n",
	"SUB " + strings.Repeat("a", 600) + " 1\r\n",
	"PING" + strings.Repeat(" ", 5000),
	"PUB " + strings.Repeat(" ", 1100) + "a 0\r\n",
	"sub\ta\t1\r\npub\ta\t\t0\r\n\r\n",
	"PUB a 4096\r\n" + strings.Repeat("x", 4096) + "\r\nPING\r\n",
}

// A session takes any bytes, in any pieces, to a specified end: it answers the same
// whatever the pieces, leaves nothing behind, and holds no more memory than its
// limits allow.
func FuzzSession(f *testing.F) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for i, text := range interesting {
		splits := make([]byte, 1+i%7)
		for j := range splits {
			splits[j] = byte(rnd.IntN(30))
		}
		f.Add([]byte(text), splits, byte(i))
		f.Add([]byte(text), []byte{0}, byte(withGreeting))
	}
	f.Fuzz(func(t *testing.T, data, splits []byte, mode byte) {
		if len(data) > 32<<10 {
			t.Skip("the limits show with less")
		}
		if mode&withGreeting != 0 {
			data = append([]byte(introduction), data...)
		}
		whole := session(t, [][]byte{data}, mode)
		split := session(t, cut(data, splits), mode)
		if !groups.Match(data) && !bytes.Equal(whole, split) {
			t.Errorf("in one piece it answers %s, in others %s", testkit.Quote(string(whole)), testkit.Quote(string(split)))
		}
	})
}

// groups finds subscriptions with a queue group, whose members are chosen at random.
var groups = regexp.MustCompile(`(?i)sub[ \t]+[^ \t\r\n]+[ \t]+[^ \t\r\n]+[ \t]+[^ \t\r\n]`)

// cut cuts data into pieces of the lengths given, again and again.
func cut(data, lengths []byte) (pieces [][]byte) {
	for i := 0; len(data) > 0; i++ {
		n := 1
		if len(lengths) > 0 {
			n += int(lengths[i%len(lengths)])
		}
		n = min(n, len(data))
		pieces = append(pieces, data[:n])
		data = data[n:]
	}
	return pieces
}

// session feeds the pieces to a session of a new Hub and returns its answer.
func session(t *testing.T, pieces [][]byte, mode byte) []byte {
	t.Helper()
	var accounts map[string]client.Account
	h := newHouse(t, func(_ *client.Config, set *client.Settings) {
		set.MaxSubs = 20
		set.MaxTraced = 10
		set.NoHeaders = mode&withoutHeaders != 0
		if mode&withAuth != 0 {
			set.Auth = auth.New(auth.Config{Token: "t"})
		}
		if mode&withAccount != 0 {
			set.Auth = auth.New(auth.Config{Users: []auth.User{
				{Name: "u", Password: "p", Account: "A"}, {Name: "v", Account: "B"}, {Name: "full", Account: "full"}, {Name: "none", Account: "none"},
				{Name: "g"}, {Name: "h", Password: "$2a$04$d5To1/UAGmMpQKshR/ctGu8YXf1ykW6nfmyRpIfoQxYT8S5WMVuo.", Account: "A"}, // s3cr3t
			}, NoAuthUser: "g"})
			set.Accounts = map[string]client.Account{
				"A":    {Account: account.New("A"), MaxSubs: 2, MaxPayload: 10},
				"B":    {Account: account.New("B"), MaxConnections: 1},
				"full": {Account: account.New("full"), MaxConnections: -1},
			}
			accounts = set.Accounts
		}
	})
	if mode&withTrace != 0 {
		h.log.Set(discard{}, true, true)
	}
	nc := &script{pieces: pieces}
	before := heap()
	h.serve(nc)
	h.ended(t)
	if after := heap(); after > before+mostHeap {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	out, closed := nc.written()
	if !closed {
		t.Error("the connection was not closed")
	}
	if n := h.stats.Panics.Load(); n != 0 {
		t.Errorf("%d panics", n)
	}
	if !bytes.HasPrefix(out, []byte("INFO {")) || !bytes.HasSuffix(out, []byte("\r\n")) {
		t.Errorf("the answer is %s", testkit.Quote(string(out)))
	}
	// Others are served as ever.
	other := &script{pieces: [][]byte{[]byte("CONNECT {\"verbose\":false,\"user\":\"g\",\"auth_token\":\"t\"}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n")}}
	h.serve(other)
	h.ended(t)
	if got, _ := other.written(); !bytes.HasSuffix(got, []byte(" \r\nMSG a 1 2\r\nhi\r\nPONG\r\n")) {
		t.Errorf("the next client gets %s", testkit.Quote(string(got)))
	}
	for name, a := range accounts {
		if a.NumConnections() != 0 || a.NumSubscriptions() != 0 {
			t.Errorf("account %s has %d connections and %d subscriptions", name, a.NumConnections(), a.NumSubscriptions())
		}
	}
	if n := h.cfg.Global.NumConnections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	return out
}

// mostHeap is far more than one session of the size used here needs, garbage
// included.
const mostHeap = 128 << 20

// heap returns the bytes of all objects, dead ones included.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// discard is a Logger that throws everything away.
type discard struct{}

func (discard) Noticef(string, ...any) {}
func (discard) Warnf(string, ...any)   {}
func (discard) Errorf(string, ...any)  {}
func (discard) Fatalf(string, ...any)  {}
func (discard) Debugf(string, ...any)  {}
func (discard) Tracef(string, ...any)  {}

// Every byte on its own, for all seeds and modes: what the fuzzer would come to
// late.
func TestSessionByteByByte(t *testing.T) {
	for _, text := range interesting {
		for mode := range byte(2 * withAccount) {
			data := []byte(text)
			if mode&withGreeting != 0 {
				data = append([]byte(introduction), data...)
			}
			whole := session(t, [][]byte{data}, mode)
			split := session(t, cut(data, nil), mode)
			if !groups.Match(data) && !bytes.Equal(whole, split) {
				t.Errorf("mode %d, %s: in one piece it answers %s, in bytes %s", mode,
					testkit.Quote(text), testkit.Quote(string(whole)), testkit.Quote(string(split)))
			}
			if t.Failed() {
				return
			}
		}
	}
}
