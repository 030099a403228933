package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// relayCommand is the hidden first argument which makes this program a relay:
//
//	relay fan <n>   one connection's bytes go to each of n others (0: dropped)
//	relay pass      two connections, each one's bytes go to the other
//	relay tls <cert> <key>   fan 1 over TLS
const relayCommand = "relay"

const relayBlock = 64 << 10

// relayMain prints its port, accepts the connections and moves bytes until the
// input ends. It is written with plain net, as a simple server would be.
func relayMain(args []string) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	switch {
	case len(args) == 2 && args[0] == "fan":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return relayFan(l, n)
	case len(args) == 1 && args[0] == "pass":
		return relayPass(l)
	}
	if len(args) == 3 && args[0] == "tls" {
		return relayTLS(l, args[1], args[2])
	}
	return fmt.Errorf("relay: wrong arguments %q", args)
}

// relayFan accepts the outputs first, then the input.
func relayFan(l net.Listener, outputs int) error {
	conns, err := acceptAll(l, outputs+1)
	if err != nil {
		return err
	}
	return relayCopy(conns[outputs], conns[:outputs])
}

func relayPass(l net.Listener) error {
	conns, err := acceptAll(l, 2)
	if err != nil {
		return err
	}
	go relayCopy(conns[1], conns[:1])
	return relayCopy(conns[0], conns[1:])
}

func acceptAll(l net.Listener, n int) ([]net.Conn, error) {
	var conns []net.Conn
	for range n {
		c, err := l.Accept()
		if err != nil {
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func relayCopy(from net.Conn, to []net.Conn) error {
	block := make([]byte, relayBlock)
	for {
		n, err := from.Read(block)
		if err != nil {
			return err
		}
		for _, c := range to {
			if _, err := c.Write(block[:n]); err != nil {
				return err
			}
		}
	}
}

// relayFlow measures the relay with the bytes that a server would deliver.
func relayFlow(e *env, c chunk, outputs int) (measurement, error) {
	p, err := e.startRelay("fan", strconv.Itoa(outputs))
	if err != nil {
		return measurement{}, err
	}
	f := &flow{chunks: []chunk{c}, raw: true}
	for range outputs {
		s, err := e.open(p.port, wideOptions)
		if err != nil {
			return measurement{}, err
		}
		f.subs = append(f.subs, s)
	}
	in, err := e.open(p.port, wideOptions)
	if err != nil {
		return measurement{}, err
	}
	f.pubs = []*sock{in}
	return e.measureFlows([]*flow{f})
}

// relayReqRep measures round trips through the relay.
func relayReqRep(e *env) (measurement, error) {
	p, err := e.startRelay("pass")
	if err != nil {
		return measurement{}, err
	}
	requester, err := e.open(p.port, sockOptions{})
	if err != nil {
		return measurement{}, err
	}
	responder, err := e.open(p.port, sockOptions{})
	if err != nil {
		return measurement{}, err
	}
	x := newExchange()
	x.request, x.requestToken = x.delivered, x.deliveredToken
	x.reply, x.replyToken = x.answer, x.answerToken
	return e.measureReqRep(x, requester, responder)
}

// runRelay is main for the relay process.
func runRelay(args []string) {
	// Never outlive the benchmark, even if it is ended in an unusual way.
	time.AfterFunc(2*maxScenario, func() { os.Exit(1) })
	relayMain(args)
}
