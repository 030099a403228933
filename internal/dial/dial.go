package dial

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Delay returns how long to wait before attempt n, which is not the first: first, or
// twice as long each time, up to most, if that is more.
func Delay(n int, first, most time.Duration) time.Duration {
	d := first
	for ; n > 2 && d < most; n-- {
		d = min(2*d, most)
	}
	return d
}

// Resolve returns an address for host:port, chosen at random if a name has several.
// Those that skip reports are left out; if there is no other, ok is false.
func Resolve(ctx context.Context, hostPort string, skip func(netip.AddrPort) bool) (addr string, ok bool, err error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return "", false, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return hostPort, true, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", false, &net.AddrError{Err: "invalid port", Addr: hostPort}
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", false, err
	}
	var left []string
	for _, ip := range all {
		if a := netip.AddrPortFrom(ip.Unmap(), uint16(n)); !skip(a) {
			left = append(left, a.String())
		}
	}
	if len(left) == 0 {
		return "", false, nil
	}
	return left[rand.IntN(len(left))], true, nil
}

// Own returns the addresses of this machine's interfaces.
func Own() map[netip.Addr]bool {
	own := make(map[netip.Addr]bool)
	addrs, _ := net.InterfaceAddrs() // without them nothing is left out
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own[p.Addr().Unmap()] = true
		}
	}
	return own
}

// Redacted is a URL as it may be shown: without its password.
func Redacted(u *url.URL) string {
	_, secret := u.User.Password()
	if !secret {
		return u.String()
	}
	shown := *u
	shown.User = url.UserPassword(u.User.Username(), "xxxxx")
	return strings.Replace(shown.String(), ":xxxxx@", ":[REDACTED]@", 1)
}
