package options

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

// Values of Compression.Mode, besides which there are spellings of them.
const (
	CompressionUnsupported  = "not supported" // as with servers that know none
	CompressionOff          = "off"
	CompressionAccept       = "accept" // if the other server wants it
	CompressionUncompressed = "s2_uncompressed"
	CompressionFast         = "s2_fast"
	CompressionBetter       = "s2_better"
	CompressionBest         = "s2_best"
	CompressionAuto         = "s2_auto" // by the round-trip time
)

// Compression says how servers compress what they send each other (spec: cluster-routes
// 11).
type Compression struct {
	Mode string // one of the constants; "" = the default
	// RTTThresholds are up to which round-trip time CompressionAuto does not compress at
	// all, and compresses fast, better and best: at most four, ascending, 0 leaving that
	// level out. nil = 10, 50 and 100 ms.
	RTTThresholds []time.Duration
}

var compressionModes = map[string]string{
	"not supported": CompressionUnsupported,
	"off":           CompressionOff, "disabled": CompressionOff, "false": CompressionOff,
	"accept":          CompressionAccept,
	"s2_uncompressed": CompressionUncompressed,
	"s2_fast":         CompressionFast, "fast": CompressionFast,
	"on": CompressionFast, "true": CompressionFast, "enabled": CompressionFast,
	"s2_better": CompressionBetter, "better": CompressionBetter,
	"s2_best": CompressionBest, "best": CompressionBest,
	"s2_auto": CompressionAuto, "auto": CompressionAuto,
}

// complete fills in what is missing.
func (c *Compression) complete(mode string) {
	fill(&c.Mode, mode)
	if known, ok := compressionModes[strings.ToLower(c.Mode)]; ok {
		c.Mode = known
	}
	if c.Mode == CompressionAuto && len(c.RTTThresholds) == 0 {
		c.RTTThresholds = []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond}
	}
}

func (c *Compression) check() error {
	if _, ok := compressionModes[strings.ToLower(c.Mode)]; !ok {
		return fmt.Errorf("unsupported compression mode %q", c.Mode)
	}
	t := slices.DeleteFunc(slices.Clone(c.RTTThresholds), func(d time.Duration) bool { return d == 0 })
	switch {
	case len(c.RTTThresholds) > 4:
		return errors.New("compression: at most 4 RTT thresholds are possible")
	case len(c.RTTThresholds) > 0 && len(t) == 0:
		return errors.New("compression: at least one RTT threshold has to be other than 0")
	case !slices.IsSorted(t) || len(slices.Compact(t)) < len(t) || len(t) > 0 && t[0] < 0:
		return errors.New("compression: RTT thresholds have to be in ascending order")
	}
	return nil
}

// value is a mode, or a map with one.
func (c *Compression) value() keys.Value {
	show := func() string {
		if c.Mode != CompressionAuto {
			return c.Mode
		}
		return fmt.Sprintf("%s %v", c.Mode, c.RTTThresholds)
	}
	mode := func(r *keys.Report, key string, v *conf.Value) {
		text := v.Str
		switch v.Kind {
		case conf.Bool:
			text = fmt.Sprint(v.Bool)
		case conf.String:
		default:
			r.Errorf(v.Pos, "%s expects a mode such as \"s2_fast\", but the value is %s", key, v.Kind)
			return
		}
		known, ok := compressionModes[strings.ToLower(text)]
		if !ok {
			r.Errorf(v.Pos, "unsupported compression mode %q", text)
			return
		}
		c.Mode = known
	}
	table := keys.Table{
		{Name: "mode", Value: keys.Custom("string or boolean", func() string { return c.Mode }, mode),
			Doc: "As the value of `compression` itself."},
		{Name: "rtt_thresholds", Aliases: []string{"thresholds", "rtts", "rtt"}, Value: c.thresholds(),
			Doc: "Up to which round-trip time `s2_auto` does not compress at all, and compresses `fast`, `better` and `best`: up to four durations, ascending; 0 leaves that level out."},
	}
	return keys.Nested(table, show, func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.Map {
			mode(r, key, v)
			return
		}
		*c = Compression{}
		if r.Block(key, table, v) && c.Mode == "" {
			c.Mode = CompressionAuto
			if c.RTTThresholds == nil {
				r.Errorf(v.Pos, "%s: a mode or rtt_thresholds are missing", key)
			}
		}
	})
}

func (c *Compression) thresholds() keys.Value {
	show := func() string { return fmt.Sprint(c.RTTThresholds) }
	return keys.Custom("array of durations", show, func(r *keys.Report, key string, v *conf.Value) {
		if v.Kind != conf.Array {
			r.Errorf(v.Pos, "%s expects an array of durations such as [\"10ms\", \"50ms\"], but the value is %s", key, v.Kind)
			return
		}
		c.RTTThresholds = nil
		for _, e := range v.List {
			d, err := time.ParseDuration(e.Str)
			if e.Kind == conf.Int && e.Int == 0 {
				d, err = 0, nil
			}
			if err != nil {
				r.Errorf(e.Pos, "%s expects durations such as \"10ms\"", key)
				continue
			}
			c.RTTThresholds = append(c.RTTThresholds, d)
		}
	})
}
