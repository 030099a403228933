//go:build !linux

package monitor

// resident returns the bytes of the process that are in memory, about.
func resident() int64 { return held() }
