package monitor

import (
	"html/template"
	"net/http"
	"path"
)

// page lists the other pages. Links are relative, so that they work behind a proxy that
// adds a prefix of its own (spec: monitoring 13).
var page = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>nats-server {{.Name}}</title>
<style>body{font:16px/1.6 system-ui,sans-serif;margin:3em auto;max-width:34em}a{display:block}</style>
</head>
<body>
<h1>nats-server</h1>
<p>{{.Name}} <small>v{{.Version}}</small></p>
{{range .Links}}<a href=".{{.Path}}">{{.Text}}</a>
{{end}}</body>
</html>
`))

type link struct{ Text, Path string }

var links = []link{
	{"General", "/varz"}, {"JetStream", "/jsz"}, {"Connections", "/connz"}, {"Accounts", "/accountz"},
	{"Account Stats", "/accstatz"}, {"Subscriptions", "/subsz"}, {"Routes", "/routez"}, {"LeafNodes", "/leafz"},
	{"Gateways", "/gatewayz"}, {"Raft Groups", "/raftz"}, {"Health Probe", "/healthz"}, {"Expvar", "/debug/vars"},
	{"Dashboard", "/dashboard"}, {"Metrics", "/metrics"}, {"Ready", "/readyz"}, {"Alive", "/livez"}, {"Started", "/startupz"},
}

// landing is the page that lists the others.
func (r *Reports) landing(w http.ResponseWriter, _ *http.Request) {
	r.counted("/")
	about := r.source.About()
	base := path.Base(cleanBase(about.Options.HTTPBasePath))
	data := struct {
		Name, Version string
		Links         []link
	}{about.Name, about.Version, nil}
	for _, l := range links {
		if base != "." {
			l.Path = "/" + base + l.Path
		}
		data.Links = append(data.Links, l)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page.Execute(w, data)
}
