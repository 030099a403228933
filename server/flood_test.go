package server_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"nats-server/server"
)

// flood is publishers at full speed. Publisher i sends payloads "<i> <n>" with n
// from 1 upwards, each to the next of the subjects.
type flood struct {
	begun []atomic.Int64 // by publisher: the n that it may have begun to send
	stop  atomic.Bool
	done  sync.WaitGroup
}

// startFlood starts n publishers that send until the flood is ended, or as many
// messages as limit says if that is not 0.
func startFlood(t testing.TB, s *server.Server, n, limit int, subjects ...string) *flood {
	t.Helper()
	f := &flood{begun: make([]atomic.Int64, n)}
	for i := range n {
		p := join(t, s, quiet)
		f.done.Go(func() { f.publish(p, i, limit, subjects) })
	}
	t.Cleanup(f.end)
	return f
}

func (f *flood) publish(p *peer, who, limit int, subjects []string) {
	const atOnce = 40
	var out []byte
	for n := 0; !f.stop.Load() && (limit == 0 || n < limit); {
		out = out[:0]
		for range atOnce {
			if n++; limit != 0 && n > limit {
				n = limit
				break
			}
			payload := strconv.Itoa(who) + " " + strconv.Itoa(n)
			out = append(out, pub(subjects[n%len(subjects)], payload)...)
		}
		f.begun[who].Store(int64(n))
		p.send(string(out))
		p.sync() // all of it is matched and queued
	}
}

// wait returns when the publishers have sent what they were to.
func (f *flood) wait() { f.done.Wait() }

// end stops the publishers and returns when all they sent is queued.
func (f *flood) end() {
	f.stop.Store(true)
	f.done.Wait()
}

// rising checks that each publisher's messages arrive in the order published.
type rising map[string]int

// next takes a message; repeated ones, as for several subscriptions, may follow
// each other.
func (r rising) next(p *peer, f frame) {
	p.t.Helper()
	who, n := number(f.payload)
	if n < r[who] {
		p.fail("publisher %s: message %d after %d, on sid %s", who, n, r[who], f.sid)
	}
	r[who] = n
}
