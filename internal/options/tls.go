package options

import (
	"nats-server/internal/conf"
	"nats-server/internal/keys"
	"nats-server/internal/tlsconf"
)

// tlsKeys are about how clients connect securely.
func (o *Options) tlsKeys() keys.Table {
	t := o.TLS
	if t == nil {
		t = new(tlsconf.Config)
	}
	given := func(*keys.Report, conf.Pos) { o.TLS = t }
	return keys.Table{
		{Name: "tls", Value: t.Block().Then(given), Doc: "Connections of clients are encrypted."},
		{Name: "allow_non_tls", Value: keys.Bool(&o.AllowNonTLS), Default: "false", Since: "2.2.0", Change: keys.NewClients,
			Doc: "Clients may do without TLS."},
	}
}
