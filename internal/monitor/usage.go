package monitor

import (
	"math"
	"runtime/metrics"
	"sync"
	"time"
)

// usage is what the process takes of the machine. Processor time is that of about the
// last second, or since the last look if that is longer ago.
type usage struct {
	mu   sync.Mutex
	at   time.Time // of the last look; zero before the first
	used time.Duration
	cpu  float64
}

// now returns the resident bytes, and the percentage of one processor.
func (u *usage) now() (mem int64, cpu float64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now, used := time.Now(), processorTime()
	since := now.Sub(u.at)
	if u.at.IsZero() {
		since = max(now.Sub(processStart), time.Millisecond)
	}
	if since >= time.Second || u.at.IsZero() {
		u.cpu = math.Round(float64(used-u.used)/float64(since)*1000) / 10
		u.at, u.used = now, used
	}
	return resident(), u.cpu
}

var processStart = time.Now()

// held is the memory that the runtime has from the system, for where the system does
// not tell what of a process is resident.
func held() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}
