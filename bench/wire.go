package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// chunk is a pre-built block of complete PUB commands which is written as it
// is, with what the server must deliver for it.
type chunk struct {
	data       []byte
	deliveries int64
	bytes      int64 // delivered: to each receiver, or to all of a shared flow
}

// payload returns n printable bytes.
func payload(n int) []byte {
	return bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
}

func appendPub(b []byte, subject string, body []byte) []byte {
	b = fmt.Appendf(b, "PUB %s %d\r\n", subject, len(body))
	b = append(b, body...)
	return append(b, '\r', '\n')
}

// msgLen is the length of the MSG (line, payload and CR LF) that a
// subscription with the given sid gets for a message without reply subject.
func msgLen(subject, sid string, size int) int64 {
	line := fmt.Sprintf("MSG %s %s %d\r\n", subject, sid, size)
	return int64(len(line) + size + 2)
}

// uniformChunk repeats one PUB until the block has about the given size.
// Every receiver uses the given sid; copies is how many of them get each
// message (0: nobody does, then a published message counts as the operation).
func uniformChunk(subject, sid string, size, copies, blockSize int) chunk {
	one := appendPub(nil, subject, payload(size))
	n := max(1, blockSize/len(one))
	c := chunk{data: bytes.Repeat(one, n), deliveries: int64(n * max(copies, 1))}
	if copies > 0 {
		c.bytes = int64(n) * msgLen(subject, sid, size)
	}
	return c
}

// deliveredChunk is what a relay gets to carry in place of a uniformChunk: the
// very bytes which the receivers of a server would see.
func deliveredChunk(subject, sid string, size, copies, blockSize int) chunk {
	one := fmt.Appendf(nil, "MSG %s %s %d\r\n%s\r\n", subject, sid, size, payload(size))
	n := max(1, blockSize/len(one))
	data := bytes.Repeat(one, n)
	return chunk{data: data, deliveries: int64(n * copies), bytes: int64(len(data))}
}

// subscription is one interest of the load generator, on connection conn.
type subscription struct {
	conn    int
	subject string
	sid     string
}

// literalSubs are n distinct subjects in equal parts over conns connections.
// The sids of a connection count from 1, as those of a client library do.
func literalSubs(n, conns int) []subscription {
	subs := make([]subscription, n)
	per := (n + conns - 1) / conns
	for i := range subs {
		subs[i] = subscription{
			conn:    i / per,
			subject: fmt.Sprintf("bench.a%d.b%d", i%100, i),
			sid:     fmt.Sprint(i%per + 1),
		}
	}
	return subs
}

// matches reports whether a literal subject falls under a filter.
func matches(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i, token := range f {
		switch {
		case token == ">" && i == len(f)-1:
			return len(s) > i
		case i >= len(s):
			return false
		case token != "*" && token != s[i]:
			return false
		}
	}
	return len(f) == len(s)
}

// randomChunks builds blocks whose messages go to randomly chosen literals,
// and counts what they and the wildcards must bring. The seed is fixed: both
// servers see the same messages in the same order.
func randomChunks(literals, wildcards []subscription, size, total, blockSize int) []chunk {
	rnd := rand.New(rand.NewPCG(1, 2))
	body := payload(size)
	var chunks []chunk
	for total > 0 {
		c := chunk{data: make([]byte, 0, blockSize+2*size)}
		for len(c.data) < blockSize {
			sub := literals[rnd.IntN(len(literals))]
			c.data = appendPub(c.data, sub.subject, body)
			c.expect(sub.subject, sub.sid, size)
			for _, w := range wildcards {
				if matches(w.subject, sub.subject) {
					c.expect(sub.subject, w.sid, size)
				}
			}
		}
		total -= len(c.data)
		chunks = append(chunks, c)
	}
	return chunks
}

// expect adds one delivery.
func (c *chunk) expect(subject, sid string, size int) {
	c.deliveries++
	c.bytes += msgLen(subject, sid, size)
}
