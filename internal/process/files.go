package process

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// writePidFile leaves the process id at path, "" meaning nowhere. There is no
// newline: whoever sends signals takes the content literally (spec: command-line 5
// and 7). The file stays when the process ends.
func writePidFile(path string) error {
	if path == "" {
		return nil
	}
	return os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o600)
}

// writePorts leaves the URLs in use in a file in dir, "" meaning nowhere (spec:
// command-line 7).
func (r *runner) writePorts(dir string) {
	if dir == "" {
		return
	}
	scheme, watched, o := "nats", "http", &r.options
	if o.TLS != nil && !o.AllowNonTLS {
		scheme = "tls"
	}
	if o.HTTPSPort != 0 {
		watched = "https"
	}
	ports := struct {
		Nats       []string `json:"nats,omitempty"`
		Monitoring []string `json:"monitoring,omitempty"`
		Cluster    []string `json:"cluster,omitempty"`
		Profile    []string `json:"profile,omitempty"`
	}{urls(scheme, r.server.Addr()), urls(watched, r.server.MonitorAddr()), urls("nats", r.server.ClusterAddr()), urls("http", r.server.ProfileAddr())}
	b, err := json.Marshal(ports)
	path := filepath.Join(dir, fmt.Sprintf("%s_%d.ports", filepath.Base(os.Args[0]), os.Getpid()))
	if err == nil {
		err = os.WriteFile(path, b, 0o666)
	}
	if err != nil {
		r.log.Errorf("Error writing ports file %s: %v", path, err)
		return
	}
	r.ports = path
}

func (r *runner) removePorts() {
	if r.ports == "" {
		return
	}
	if err := os.Remove(r.ports); err != nil {
		r.log.Errorf("Error cleaning up ports file %s: %v", r.ports, err)
	}
	r.ports = ""
}

// urls returns the URLs under which a listener can be reached: for one on all
// interfaces, one for each address of this machine.
func urls(scheme string, addr net.Addr) []string {
	a, ok := addr.(*net.TCPAddr)
	if !ok {
		return nil
	}
	ips := []net.IP{a.IP}
	if a.IP.IsUnspecified() {
		ips = addresses()
	}
	list := make([]string, 0, len(ips))
	for _, ip := range ips {
		list = append(list, scheme+"://"+net.JoinHostPort(ip.String(), strconv.Itoa(a.Port)))
	}
	return list
}

// addresses returns those of this machine that others can use without naming an
// interface.
func addresses() (ips []net.IP) {
	all, _ := net.InterfaceAddrs() // an empty list says the same as an error
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			ips = append(ips, n.IP)
		}
	}
	return ips
}
