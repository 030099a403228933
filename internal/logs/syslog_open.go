package logs

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"
)

// Facilities of syslog. Remote daemons have always been told kern by NATS servers,
// and their rules may rely on it.
const (
	facilityKern   = 0 << 3
	facilityDaemon = 3 << 3
)

// syslogForm makes lines of the form
//
//	<priority>time host tag[pid]: text
//
// with the text of a JSON line if that is asked for (spec: command-line 8).
type syslogForm struct {
	facility int
	host     string // "" on local sockets, where the time has another form, too
	tag      string // "tag[pid]: "
	json     bool
	object   jsonForm
}

func newSyslogForm(cfg Config, facility int, local bool) syslogForm {
	f := syslogForm{
		facility: facility,
		tag:      cfg.tag() + "[" + strconv.Itoa(os.Getpid()) + "]: ",
		json:     cfg.JSON,
		object:   newJSONForm(cfg),
	}
	if !local {
		var err error
		if f.host, err = os.Hostname(); err != nil || f.host == "" {
			f.host = "localhost"
		}
	}
	return f
}

func (f syslogForm) line(b []byte, l level, format string, v []any) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(f.facility|levels[l].severity), 10)
	b = append(b, '>')
	if f.host == "" {
		b = now(false).AppendFormat(b, time.Stamp)
	} else {
		b = now(false).AppendFormat(b, time.RFC3339)
		b = append(b, ' ')
		b = append(b, f.host...)
	}
	b = append(b, ' ')
	b = append(b, f.tag...)
	if f.json {
		return f.object.line(b, l, format, v)
	}
	return appendText(b, format, v)
}

// openSyslogURL returns a sink for the daemon at cfg.RemoteSyslog.
func openSyslogURL(cfg Config, report Logger) (Sink, error) {
	u, err := url.Parse(cfg.RemoteSyslog)
	if err != nil {
		return nil, err
	}
	var dial dialer
	switch u.Scheme {
	case "udp", "tcp":
		dial = func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, u.Scheme, u.Host)
		}
	case "unix":
		dial = func(ctx context.Context) (net.Conn, error) { return dialUnix(ctx, u.Path) }
	default:
		return nil, fmt.Errorf("error invalid network type: %q", u.Scheme)
	}
	form := newSyslogForm(cfg, facilityKern, u.Scheme == "unix")
	return startSyslog(u.Redacted(), form, report, dial)
}

// dialUnix connects to a unix socket of either type.
func dialUnix(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		if conn, err := d.DialContext(ctx, "unixgram", path); err == nil {
			return conn, nil
		}
	}
	return conn, err
}
