//go:build !linux

package conn

// Poller is nothing here: connections are streams with goroutines of their own.
type Poller struct{}

// NewPoller returns a Poller.
func NewPoller() (*Poller, error) { return &Poller{}, nil }

// Close does nothing.
func (p *Poller) Close() {}
