package insight

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// shown is how many rows of each kind a report has at most.
const shown = 256

// faded is the rate, per second, below which a subject does not flow any more.
const faded = 0.01

// Report is what flows through the server. Rates are estimates.
type Report struct {
	Now      time.Time `json:"now"`
	Watching float64   `json:"watching"` // seconds since sampling began; 0 = with this report
	Samples  uint64    `json:"samples"`  // messages that were looked at
	Total    Rate      `json:"total"`
	Subjects []Row     `json:"subjects"` // the heaviest first; inboxes are one
	Prefixes []Row     `json:"prefixes"` // the same, of subjects with the first one, two or three tokens in common
}

// Rate is per second, over the last seconds.
type Rate struct {
	Msgs  float64 `json:"msgs"`
	Bytes float64 `json:"bytes"` // of payloads, headers included
}

// Row is what is known of a subject or of a prefix. Rates of rare subjects may be
// too low, by what they had when they were not among the heaviest.
type Row struct {
	Account string  `json:"account"`
	Subject string  `json:"subject"`          // at most 256 bytes of it; a prefix without its last dot
	Tokens  int     `json:"tokens,omitempty"` // of a prefix
	Share   float64 `json:"share"`            // of the messages, 0 to 1
	Rate
}

// Report returns what was sampled so far, and sees to it that sampling goes on for
// ten seconds. So the first one is empty.
func (s *Sampler) Report() Report {
	return s.watch().report(time.Now())
}

func (c *collection) report(now time.Time) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	watching := now.Sub(c.since)
	r := Report{
		Now:      now.UTC(),
		Watching: watching.Seconds(),
		Samples:  c.samples,
		Subjects: []Row{},
		Prefixes: []Row{},
	}
	if c.samples == 0 {
		return r
	}
	v := c.view(now)
	r.Total = Rate{Msgs: c.msgs * v.rate, Bytes: c.bytes * v.rate}
	r.Subjects = v.rows(r.Subjects, c.subjects, 0)
	for i, p := range c.prefixes {
		r.Prefixes = v.rows(r.Prefixes, p, i+1)
	}
	slices.SortFunc(r.Prefixes, heavier)
	return r
}

// view turns counts into rates and shares.
type view struct{ rate, share float64 }

func (c *collection) view(now time.Time) view {
	// A steady stream of one message per memory, seen for the time t, has come to
	// a count of 1 - 1/e^(t/memory).
	seen := 1 - math.Exp(-max(now.Sub(c.since), time.Millisecond).Seconds()/memory.Seconds())
	weight := c.weight(now) // may change the units
	all := float64(c.counted+c.missed.Load()) / float64(c.counted)
	return view{
		rate:  all / (weight * memory.Seconds() * seen),
		share: 1 / max(c.msgs, math.SmallestNonzeroFloat32),
	}
}

// rows appends the heaviest rows of a sketch to list.
func (v view) rows(list []Row, s *sketch, tokens int) []Row {
	from := len(list)
	for _, e := range s.heap {
		msgs := e.msgs - e.error // what is certain
		if msgs*v.rate < faded {
			continue
		}
		list = append(list, Row{
			Account: e.account, Subject: e.subject, Tokens: tokens,
			Share: msgs * v.share, Rate: Rate{Msgs: msgs * v.rate, Bytes: e.bytes * v.rate},
		})
	}
	slices.SortFunc(list[from:], heavier)
	return list[:min(len(list), from+shown)]
}

func heavier(a, b Row) int {
	return cmp.Or(cmp.Compare(b.Msgs, a.Msgs), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Subject, b.Subject))
}
