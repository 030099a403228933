package monitor

import (
	"maps"
	"sync"
	"time"
)

// Reports makes the JSON objects about a server. It is safe for concurrent use.
type Reports struct {
	source Source
	usage  usage

	mu       sync.Mutex
	requests map[string]uint64 // by path, as Varz shows them
}

// NewReports returns the reports about a server.
func NewReports(s Source) *Reports {
	return &Reports{source: s, requests: make(map[string]uint64)}
}

// counted notes a request for a path.
func (r *Reports) counted(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests[path]++
}

func (r *Reports) requestCounts() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.requests)
}

// Kinds are the counters of all kinds of connections, for package metrics.
func (r *Reports) Kinds() []Kind { return r.source.Kinds() }

// Health is how far the life of the server has gone.
func (r *Reports) Health() Health { return r.source.Health() }

// head is what most reports begin with.
type head struct {
	ServerID string    `json:"server_id"`
	Now      time.Time `json:"now"`
}

func (r *Reports) head() head { return head{r.source.About().ID, time.Now().UTC()} }
