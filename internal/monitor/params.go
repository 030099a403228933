package monitor

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Fault is an error with the status that HTTP gives it.
type Fault struct {
	Status int
	Text   string
}

func (f *Fault) Error() string { return f.Text }

func badRequest(format string, v ...any) error {
	return &Fault{http.StatusBadRequest, fmt.Sprintf(format, v...)}
}

// params decodes the parameters of a request in the order in which they are asked for.
// The first error stays (spec: monitoring 4).
type params struct {
	values url.Values
	err    error
}

func (p *params) failed(kind, name string, err error) {
	if p.err == nil {
		p.err = badRequest("Error decoding %s for '%s': %v", kind, name, err)
	}
}

func (p *params) boolean(name string) (v bool) {
	if text := p.values.Get(name); text != "" {
		var err error
		if v, err = strconv.ParseBool(text); err != nil {
			p.failed("boolean", name, err)
		}
	}
	return v
}

func (p *params) integer(name string) (v int) {
	if text := p.values.Get(name); text != "" {
		var err error
		if v, err = strconv.Atoi(text); err != nil {
			p.failed("int", name, err)
			return 0
		}
	}
	return v
}

func (p *params) id(name string) (v uint64) {
	if text := p.values.Get(name); text != "" {
		var err error
		if v, err = strconv.ParseUint(text, 10, 64); err != nil {
			p.failed("uint64", name, err)
			return 0
		}
	}
	return v
}

// subs is whether subscriptions are wanted, and whether with all about them.
func (p *params) subs() Subs {
	switch {
	case strings.EqualFold(p.values.Get("subs"), "detail"):
		return SubsDetail
	case p.boolean("subs"):
		return SubsList
	}
	return NoSubs
}

func (p *params) state() State {
	switch text := p.values.Get("state"); strings.ToLower(text) {
	case "", "open":
		return Open
	case "closed":
		return Closed
	case "any", "all":
		return All
	default:
		if p.err == nil {
			p.err = badRequest("Error decoding state for %s", text)
		}
		return Open
	}
}

func (p *params) text(name string) string { return p.values.Get(name) }
