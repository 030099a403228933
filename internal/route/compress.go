package route

import (
	"strconv"
	"time"

	"nats-server/internal/conn"
	"nats-server/internal/squeeze"
	"nats-server/internal/wire"
)

// Compression says how what flows over routes is compressed (spec: cluster-routes 11).
type Compression struct {
	Mode string // one of those below; "" = other servers are told nothing of it
	// Thresholds are of round trips, ascending, for CompressionAuto: the level of the first
	// that is not exceeded is used, 0 leaving it out.
	Thresholds []time.Duration
}

// Modes of compression.
const (
	CompressionOff    = "off"
	CompressionAccept = "accept" // if the other server wants it
	CompressionAuto   = "s2_auto"

	compressionUnknown = "not supported" // by the other server
)

// levels are the modes that stand for one.
var levels = map[string]squeeze.Level{
	"s2_uncompressed": squeeze.Uncompressed,
	"s2_fast":         squeeze.Fast,
	"s2_better":       squeeze.Better,
	"s2_best":         squeeze.Best,
}

// negotiable reports whether it depends on the other server whether there is compression.
func (m *Compression) negotiable() bool { return m.Mode != "" && m.Mode != CompressionOff }

// compresses reports whether a mode that was agreed on is one of compression.
func compresses(mode string) bool {
	_, ok := levels[mode]
	return ok || mode == CompressionAuto
}

// agreed returns the mode for this side of a connection, given that of the other; ok is
// false if that is unheard of.
func (m *Compression) agreed(peer string) (mode string, ok bool) {
	switch {
	case !m.negotiable():
		return m.Mode, true
	case peer == "" || peer == compressionUnknown:
		return compressionUnknown, true
	case peer == CompressionOff, peer == CompressionAccept && m.Mode == CompressionAccept:
		return CompressionOff, true
	case peer != CompressionAccept && !compresses(peer):
		return "", false
	case m.Mode != CompressionAccept:
		return m.Mode, true
	case peer == CompressionAuto:
		return "s2_fast", true
	}
	return peer, true
}

// level is that of a mode for a connection with such a round trip.
func (m *Compression) level(mode string, rtt time.Duration) squeeze.Level {
	if mode != CompressionAuto {
		return levels[mode]
	}
	for i, most := range m.Thresholds {
		if most > 0 && rtt <= most {
			return squeeze.Level(i)
		}
	}
	if n := len(m.Thresholds); n < int(squeeze.Best) {
		return squeeze.Level(max(n-1, 0))
	}
	return squeeze.Best
}

// negotiate settles, with the first INFO of the other server, whether there is compression.
// If so it begins, and the other server says INFO once more: wait is true.
func (s *Session) negotiate(i *wire.RouteInfo) (wait bool, v *conn.Verdict) {
	c, set := s.mesh, s.mesh.settings.Load()
	mode, ok := set.Compression.agreed(i.Compression)
	if !ok {
		text := "unsupported route compression mode " + strconv.Quote(i.Compression)
		return false, refusal(text, conn.ProtocolViolation, text)
	}
	s.negotiated = true
	c.mu.Lock()
	defer c.mu.Unlock()
	s.compression = mode
	if !compresses(mode) {
		return false, nil
	}
	s.codec = squeeze.New(set.Compression.level(mode, s.conn.Age()))
	out := &s.conn.Out
	if s.dialed != nil {
		out.Append(c.infoLine(set, s.introduction())) // as it is, the last of that
		s.conn.Encode(s.codec)
	} else {
		s.conn.Encode(s.codec)
		out.Append(c.infoLine(set, infoFor{initial: true, compression: mode}))
	}
	s.conn.Decode(s.codec)
	s.switched = true
	return true, nil
}

// adapt chooses the level anew, now that the round trip has been measured.
func (s *Session) adapt() {
	m := &s.mesh.settings.Load().Compression
	if s.codec != nil && m.Mode == CompressionAuto {
		s.codec.SetLevel(m.level(CompressionAuto, s.conn.RTT()))
	}
}

// compressionLocked is how s is compressed, as reports say it.
func (s *Session) compressionLocked() string {
	if s.codec != nil {
		for name, l := range levels {
			if l == s.codec.Level() {
				return name
			}
		}
	}
	return s.compression
}

// recompress goes on with another compression: from one level to another in place, else
// by connecting anew.
func (c *Cluster) recompress(old, set *Settings) {
	m := &set.Compression
	inPlace := compresses(old.Compression.Mode) && compresses(m.Mode)
	if !inPlace {
		c.anew(conn.ClientClosed)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sessions {
		if s.codec != nil {
			s.compression = m.Mode
			s.codec.SetLevel(m.level(m.Mode, s.conn.RTT()))
		}
	}
}
