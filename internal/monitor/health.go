package monitor

import "net/http"

// Healthz is whether the server works, as tools of NATS ask (spec: monitoring 13).
type Healthz struct {
	Status string        `json:"status"`
	Code   int           `json:"status_code,omitempty"` // as HTTP has it, for who asks by other means
	Error  string        `json:"error,omitempty"`
	Errors []HealthError `json:"errors,omitempty"`
}

// HealthError is one thing that does not work.
type HealthError struct {
	Type  string `json:"type"`
	Error string `json:"error"`
}

// healthz returns the report and its HTTP status.
func (r *Reports) healthz(p *params) (h Healthz, status int) {
	p.boolean("js-enabled")
	p.boolean("js-enabled-only")
	p.boolean("js-server-only")
	p.boolean("js-meta-only")
	details := p.boolean("details")
	fail := func(status int, kind, text string) (Healthz, int) {
		if details {
			return Healthz{Status: "error", Errors: []HealthError{{kind, text}}}, status
		}
		return Healthz{Status: "error", Error: text}, status
	}
	account, stream, consumer := p.text("account"), p.text("stream"), p.text("consumer")
	switch {
	case stream != "" && account == "":
		return fail(http.StatusBadRequest, "BAD_REQUEST", `"account" must not be empty when checking stream health`)
	case consumer != "" && stream == "":
		return fail(http.StatusBadRequest, "BAD_REQUEST", `"stream" must not be empty when checking consumer health`)
	case !r.source.Health().Ready():
		return fail(http.StatusInternalServerError, "CONNECTION", "failed to be ready for connections after 1ms: server")
	}
	return Healthz{Status: "ok"}, http.StatusOK
}

// Probe is the answer of /livez, /readyz and /startupz.
type Probe struct {
	Status  string   `json:"status"` // ok or unavailable
	Reasons []string `json:"reasons,omitempty"`
}

// Livez says whether the process is worth keeping: it answers, which is all there is to
// know. That clients cannot connect is no reason to end it.
func (r *Reports) Livez() Probe { return probe() }

// Startupz says whether the start is over.
func (r *Reports) Startupz() Probe {
	if h := r.source.Health(); !h.Started {
		return probe("starting: the listener for clients is not up yet")
	}
	return probe()
}

// Readyz says whether clients can be sent here.
func (r *Reports) Readyz() Probe {
	var reasons []string
	h := r.source.Health()
	if !h.Started {
		reasons = append(reasons, "starting: the listener for clients is not up yet")
	}
	if h.LameDuck {
		reasons = append(reasons, "lame duck mode: no new clients, those connected are asked to leave")
	}
	if h.Stopping {
		reasons = append(reasons, "shutting down")
	}
	return probe(reasons...)
}

func probe(reasons ...string) Probe {
	if len(reasons) > 0 {
		return Probe{Status: "unavailable", Reasons: reasons}
	}
	return Probe{Status: "ok"}
}
