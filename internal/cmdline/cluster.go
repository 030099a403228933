package cmdline

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"nats-server/internal/options"
)

// applyCluster is what --cluster and --routes set. A URL for the cluster replaces the
// address and the credentials, and so clears these if it has none (spec: command-line 1).
func (f *flags) applyCluster(o *options.Options) error {
	c := &o.Cluster
	if f.withCluster {
		if err := listenAt(c, f.cluster); err != nil {
			return err
		}
	}
	if !f.withRoutes {
		return nil
	}
	c.Routes = nil
	for _, u := range strings.Split(f.routes, ",") {
		if u = strings.TrimSpace(u); u != "" {
			c.Routes = append(c.Routes, u)
		}
	}
	if len(c.Routes) > 0 && c.Port == 0 {
		return errors.New("solicited routes require cluster capabilities, e.g. --cluster")
	}
	return nil
}

// listenAt sets the address of the listener for other servers, or none.
func listenAt(c *options.Cluster, text string) error {
	if text == "" {
		c.Port = 0
		return nil
	}
	at, random := strings.CutSuffix(text, ":-1") // which is no port to Go
	if random {
		at += ":0"
	}
	u, err := url.Parse(at)
	if err != nil {
		return withoutSecrets(err)
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return errors.New("could not parse cluster port " + strconv.Quote(port))
	}
	if c.Host, c.Port = host, int(n); random {
		c.Port = options.RandomPort
	}
	password, given := u.User.Password()
	if u.User != nil && !given {
		return errors.New("expected cluster password to be set")
	}
	c.Username, c.Password = u.User.Username(), password
	return nil
}

// withoutSecrets is an error of url.Parse that does not show the credentials in it.
func withoutSecrets(err error) error {
	var e *url.Error
	if at := strings.LastIndexByte(err.Error(), '@'); at >= 0 && errors.As(err, &e) {
		return errors.New(e.Op + ": " + e.Err.Error())
	}
	return err
}
