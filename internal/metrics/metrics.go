// Package metrics shows what package monitor reports as metrics of Prometheus and
// OpenMetrics.
//
// Labels are bounded by the configuration: the kind of connection, the account, the
// reason of an end. Nothing that clients choose is a label, such as their names, their
// subjects, or the ids of connections.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nats-server/internal/facts"
	"nats-server/internal/monitor"
)

// What an answer may cost.
const (
	mostAtATime = 3
	timeout     = 20 * time.Second
)

// Handler serves the metrics of a server, the runtime and the process.
func Handler(r *monitor.Reports) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		&collector{reports: r},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: mostAtATime,
		Timeout:             timeout,
	})
}

// collector turns reports into metrics whenever somebody asks.
type collector struct{ reports *monitor.Reports }

// desc describes a metric.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("nats_"+name, help, labels, nil)
}

var (
	info      = desc("server_info", "The server, always 1.", "server_id", "server_name", "version")
	start     = desc("start_time_seconds", "When the server was made, as Unix time.")
	loaded    = desc("config_load_time_seconds", "When its configuration was loaded, as Unix time.")
	ready     = desc("ready", "1 if clients can connect, else 0.")
	notAfter  = desc("tls_certificate_not_after_seconds", "When the certificate for clients expires, as Unix time.")
	maxConns  = desc("max_connections", "How many clients may be connected.")
	requested = desc("http_requests_total", "Requests for monitoring.", "path")

	conns    = desc("connections", "Connections that are open.", "kind")
	accepted = desc("connections_opened_total", "Connections that were let in.", "kind")
	closed   = desc("connections_closed_total", "Connections that have ended.", "kind", "reason")
	inMsgs   = desc("received_messages_total", "Messages received.", "kind")
	inBytes  = desc("received_bytes_total", "Bytes of messages received, with their headers.", "kind")
	outMsgs  = desc("sent_messages_total", "Messages queued to be sent, each receiver counted.", "kind")
	outBytes = desc("sent_bytes_total", "Bytes of messages queued to be sent, with their headers.", "kind")
	slow     = desc("slow_consumers_total", "Connections that were cut off because they did not read fast enough.", "kind")
	stale    = desc("stale_connections_total", "Connections that did not answer pings.", "kind")
	stalls   = desc("publisher_stalls_total", "Reads after which a publisher was held back for slow receivers.", "kind")
	panics   = desc("session_panics_total", "Connections that ended in a fault of the server.", "kind")
	flushes  = desc("flush_duration_seconds", "Time from taking what was queued for a connection until it was written.", "kind")
	queued   = desc("flush_queued_bytes", "Bytes that were queued for a connection when writing began.", "kind")

	accConns    = desc("account_connections", "Clients and leafnodes of the account.", "account")
	accSubs     = desc("account_subscriptions", "Subscriptions in the account.", "account")
	accInMsgs   = desc("account_received_messages_total", "Messages received for the account.", "account")
	accInBytes  = desc("account_received_bytes_total", "Bytes of messages received for the account.", "account")
	accOutMsgs  = desc("account_sent_messages_total", "Messages queued to be sent to receivers in the account.", "account")
	accOutBytes = desc("account_sent_bytes_total", "Bytes of messages queued to be sent to receivers in the account.", "account")
	accSlow     = desc("account_slow_consumers_total", "Connections of the account that were cut off because they did not read fast enough.", "account")
)

// Describe implements prometheus.Collector. It describes one metric of those that there
// always are; the others follow from what is collected.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { ch <- info }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	v := c.reports.Varz()
	gauge(info, 1, v.ServerID, v.ServerName, v.Version)
	gauge(start, unix(v.Start))
	gauge(loaded, unix(v.ConfigLoadTime))
	gauge(maxConns, float64(v.MaxConnections))
	gauge(ready, map[bool]float64{true: 1}[c.reports.Health().Ready()])
	if v.TLSCertNotAfter != nil {
		gauge(notAfter, unix(*v.TLSCertNotAfter))
	}
	for path, n := range v.HTTPReqStats {
		counter(requested, float64(n), path)
	}
	for _, k := range c.reports.Kinds() {
		t, s := &k.Total, k.Stats
		gauge(conns, float64(t.Open), k.Name)
		counter(accepted, float64(t.Accepted), k.Name)
		for reason, n := range t.Closed {
			counter(closed, float64(n), k.Name, reason)
		}
		counter(inMsgs, float64(t.InMsgs), k.Name)
		counter(inBytes, float64(t.InBytes), k.Name)
		counter(outMsgs, float64(t.OutMsgs), k.Name)
		counter(outBytes, float64(t.OutBytes), k.Name)
		counter(slow, float64(s.SlowConsumers.Load()), k.Name)
		counter(stale, float64(s.Stale.Load()), k.Name)
		counter(stalls, float64(s.Stalls.Load()), k.Name)
		counter(panics, float64(s.Panics.Load()), k.Name)
		ch <- histogram(flushes, s.FlushTimes(), float64(time.Second), k.Name)
		ch <- histogram(queued, s.FlushBytes(), 1, k.Name)
	}
	for _, a := range c.reports.Accstatz(true).Accounts {
		gauge(accConns, float64(a.TotalConns), a.Account)
		gauge(accSubs, float64(a.Subscriptions), a.Account)
		counter(accInMsgs, float64(a.Received.Msgs), a.Account)
		counter(accInBytes, float64(a.Received.Bytes), a.Account)
		counter(accOutMsgs, float64(a.Sent.Msgs), a.Account)
		counter(accOutBytes, float64(a.Sent.Bytes), a.Account)
		counter(accSlow, float64(a.SlowConsumers), a.Account)
	}
}

func unix(t time.Time) float64 { return float64(t.UnixNano()) / float64(time.Second) }

// histogram is a distribution of values, of which unit make 1 of the metric.
func histogram(d *prometheus.Desc, values facts.Distribution, unit float64, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(values.Buckets))
	for _, b := range values.Buckets {
		buckets[float64(b.Bound)/unit] = b.Count
	}
	return prometheus.MustNewConstHistogram(d, values.Count, float64(values.Sum)/unit, buckets, labels...)
}
