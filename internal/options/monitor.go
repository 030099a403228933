package options

import (
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"

	"nats-server/internal/conf"
	"nats-server/internal/keys"
)

// monitorKeys are about monitoring over HTTP.
func (o *Options) monitorKeys() keys.Table {
	gate := keys.Table{
		{Name: "user", Aliases: []string{"username"}, Value: keys.String(&o.HTTPUsername), Since: "ours", Label: "http_auth user", Secret: true,
			Doc: "Name that requests present."},
		{Name: "password", Aliases: []string{"pass"}, Value: keys.String(&o.HTTPPassword), Since: "ours", Label: "http_auth password", Secret: true,
			Doc: "Password of the user, plain or a bcrypt hash."},
		{Name: "token", Value: keys.String(&o.HTTPToken), Since: "ours", Label: "http_auth token", Secret: true,
			Doc: "Bearer token that requests present instead, plain or a bcrypt hash."},
	}
	check := func(r *keys.Report, at conf.Pos) {
		if err := o.checkGate(); err != nil {
			r.Errorf(at, "%v", err)
		}
	}
	return keys.Table{
		{Name: "http", Value: keys.Address(&o.HTTPHost, &o.HTTPPort).Shown(o.monitorAddress(&o.HTTPPort)),
			Doc: "Address for monitoring. A port alone means the address of clients; port -1 is a random one."},
		{Name: "https", Value: keys.Address(&o.HTTPHost, &o.HTTPSPort).Shown(o.monitorAddress(&o.HTTPSPort)),
			Doc: "Address for monitoring with TLS, for which `tls` must have a certificate."},
		{Name: "http_port", Aliases: []string{"monitor_port"}, Value: keys.Port(&o.HTTPPort).Quiet(), Default: "0",
			Doc: "Port for monitoring; 0 is none, -1 a random one. A reload binds the new address before the old one is closed."},
		{Name: "https_port", Value: keys.Port(&o.HTTPSPort).Quiet(), Default: "0",
			Doc: "Port for monitoring with TLS. There can be only one of the two."},
		{Name: "http_base_path", Value: keys.String(&o.HTTPBasePath), Since: "2.1.7",
			Doc: "Prefix of all paths of monitoring."},
		{Name: "http_auth", Value: keys.Block(gate).Then(check), Since: "ours",
			Doc: "What requests for monitoring must present, but for probes. Without it everybody may ask."},
		{Name: "max_closed_clients", Value: keys.Int(&o.MaxClosedClients, 0, math.MaxInt32), Default: "10000", Since: "2.10.26",
			Doc: "Closed connections that `/connz` remembers."},
		{Name: "prof_port", Value: keys.Port(&o.ProfPort), Default: "0",
			Doc: "Port for profiles of the program, on the address of clients; 0 is none, -1 a random one. `http_auth` protects it, too."},
	}
}

// monitorAddress shows where a listener for monitoring is to be.
func (o *Options) monitorAddress(port *int) func() string {
	return func() string {
		if *port == 0 {
			return "off"
		}
		return net.JoinHostPort(o.HTTPHost, strconv.Itoa(*port))
	}
}

// checkMonitoring is for what several options together tell.
func (o *Options) checkMonitoring() error {
	if err := o.checkGate(); err != nil {
		return err
	}
	switch {
	case o.HTTPPort != 0 && o.HTTPSPort != 0:
		//lint:ignore ST1005 scripts look for this text, and the next
		return fmt.Errorf("Can't start monitoring: can't specify both HTTP (%d) and HTTPs (%d) ports", o.HTTPPort, o.HTTPSPort)
	case o.HTTPSPort != 0 && o.TLS == nil:
		//lint:ignore ST1005 as above
		return errors.New("Can't start monitoring: TLS cert and key required for HTTPS")
	}
	return nil
}

// checkGate is for what requests must present.
func (o *Options) checkGate() error {
	switch {
	case (o.HTTPUsername != "" || o.HTTPPassword != "") && o.HTTPToken != "":
		return errors.New("http_auth can not have a user and a token")
	case (o.HTTPUsername == "") != (o.HTTPPassword == ""):
		return errors.New("http_auth needs a user and a password, or a token")
	}
	return nil
}
