package monitor

import (
	"encoding/json"
	"iter"
	"strconv"
	"time"
)

// appendJSON appends the report, and releases the page.
func (p *connzPage) appendJSON(dst []byte) ([]byte, error) {
	defer p.release()
	return appendConnz(dst, &p.Connz, p.entries())
}

// appendConnz appends a report with these entries as json.MarshalIndent makes it. The
// package would take most of the time that a report on a thousand connections costs, and
// is asked for them ten times a second by some. There are no entries in c itself.
func appendConnz(dst []byte, c *Connz, entries iter.Seq2[*Connection, error]) ([]byte, error) {
	const end = "]\n}"
	frame, err := json.MarshalIndent(c, "", "  ")
	if dst = append(dst, frame...); err != nil || c.Connections == nil {
		return dst, err
	}
	dst = dst[:len(dst)-len(end)]
	before := len(dst)
	for e, err := range entries {
		if err != nil {
			return nil, err
		}
		if len(dst) > before {
			dst = append(dst, ',')
		}
		dst = append(dst, "\n    "...)
		if dst, err = e.appendJSON(dst); err != nil {
			return nil, err
		}
	}
	if len(dst) > before {
		dst = append(dst, "\n  "...)
	}
	return append(dst, end...), nil
}

// entry appends the members of an object in the place of an entry.
type entry struct {
	b   []byte
	err error
}

func (c *Connection) appendJSON(dst []byte) ([]byte, error) {
	e := entry{b: append(dst, '{')}
	e.uint("cid", c.CID)
	e.optional("kind", c.Kind)
	e.optional("type", c.Type)
	e.text("ip", c.IP)
	e.int("port", int64(c.Port))
	e.time("start", c.Start)
	e.time("last_activity", c.LastActivity)
	if c.Stop != nil {
		e.time("stop", *c.Stop)
	}
	e.optional("reason", c.Reason)
	e.text("rtt", c.RTT)
	e.text("uptime", c.Uptime)
	e.text("idle", c.Idle)
	e.int("pending_bytes", c.Pending)
	e.int("in_msgs", c.InMsgs)
	e.int("out_msgs", c.OutMsgs)
	e.int("in_bytes", c.InBytes)
	e.int("out_bytes", c.OutBytes)
	if c.Stalls != 0 {
		e.int("stalls", c.Stalls)
	}
	e.uint("subscriptions", uint64(c.Subscriptions))
	e.optional("name", c.Name)
	e.optional("lang", c.Lang)
	e.optional("version", c.Version)
	e.optional("tls_version", c.TLSVersion)
	e.optional("tls_cipher_suite", c.TLSCipher)
	if len(c.TLSPeerCerts) > 0 {
		e.other("tls_peer_certs", c.TLSPeerCerts)
	}
	if c.TLSFirst {
		e.other("tls_first", true)
	}
	e.optional("authorized_user", c.User)
	e.optional("account", c.Account)
	if len(c.Subs) > 0 {
		e.other("subscriptions_list", c.Subs)
	}
	if len(c.SubsDetail) > 0 {
		e.other("subscriptions_list_detail", c.SubsDetail)
	}
	e.optional("name_tag", c.NameTag)
	return append(e.b, "\n    }"...), e.err
}

func (e *entry) name(name string) {
	if e.b[len(e.b)-1] != '{' {
		e.b = append(e.b, ',')
	}
	e.b = append(append(append(e.b, "\n      \""...), name...), `": `...)
}

func (e *entry) int(name string, v int64) {
	e.name(name)
	e.b = strconv.AppendInt(e.b, v, 10)
}

func (e *entry) uint(name string, v uint64) {
	e.name(name)
	e.b = strconv.AppendUint(e.b, v, 10)
}

func (e *entry) time(name string, t time.Time) {
	e.name(name)
	e.b = append(t.AppendFormat(append(e.b, '"'), time.RFC3339Nano), '"')
}

func (e *entry) optional(name, v string) {
	if v != "" {
		e.text(name, v)
	}
}

func (e *entry) text(name, v string) {
	if !plain(v) {
		e.other(name, v)
		return
	}
	e.name(name)
	e.b = append(append(append(e.b, '"'), v...), '"')
}

// plain reports whether a text stands for itself in JSON, and in HTML.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// other appends what is rare.
func (e *entry) other(name string, v any) {
	b, err := json.MarshalIndent(v, "      ", "  ")
	if err != nil && e.err == nil {
		e.err = err
	}
	e.name(name)
	e.b = append(e.b, b...)
}
