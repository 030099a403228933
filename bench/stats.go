package main

import (
	"math"
	"slices"
)

// percentile returns the smallest sample that is not exceeded by the fraction
// p of all samples (nearest rank). The samples must be sorted.
func percentile(sorted []int64, p float64) int64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// spread is the median of some values with the smallest and the largest.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Clone(values)
	slices.Sort(v)
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (v[len(v)/2-1] + mid) / 2
	}
	return spread{Median: mid, Min: v[0], Max: v[len(v)-1]}
}

// measurement is what one run of one scenario against one server brought.
// Fields which a scenario does not measure are 0 and are not printed.
type measurement struct {
	Figure float64 `json:"figure"`           // what the scenario compares
	CPU    float64 `json:"cpu_ns,omitempty"` // server CPU per operation, ns
	Wall   float64 `json:"wall_ns,omitempty"`
	Rate   float64 `json:"per_second,omitempty"`
	P50    float64 `json:"p50_us,omitempty"`
	P99    float64 `json:"p99_us,omitempty"`
	P999   float64 `json:"p999_us,omitempty"`
	RSS    float64 `json:"peak_rss_mb,omitempty"`
	Note   string  `json:"note,omitempty"`
}

// latencies fills the percentiles from samples in nanoseconds, which it sorts.
func (m *measurement) latencies(ns []int64) {
	slices.Sort(ns)
	m.P50 = float64(percentile(ns, 0.50)) / 1e3
	m.P99 = float64(percentile(ns, 0.99)) / 1e3
	m.P999 = float64(percentile(ns, 0.999)) / 1e3
}

// result collects all runs of one scenario. The slices run in step: index i
// is round i; a round that failed on either side is in none of them.
type result struct {
	Scenario  string        `json:"scenario"`
	Ours      []measurement `json:"ours,omitempty"`
	Reference []measurement `json:"reference,omitempty"`
	Limit     []measurement `json:"limit,omitempty"`
	Ratio     *spread       `json:"ratio,omitempty"`
	Failed    []string      `json:"failed,omitempty"`
}

// ratios forms, per round, how many times better ours is than the reference.
func ratios(ours, ref []measurement, higherIsBetter bool) []float64 {
	var out []float64
	for i := range min(len(ours), len(ref)) {
		a, b := ref[i].Figure, ours[i].Figure
		if higherIsBetter {
			a, b = b, a
		}
		if b > 0 {
			out = append(out, a/b)
		}
	}
	return out
}

// median returns the median of one field over all runs.
func median(ms []measurement, field func(measurement) float64) float64 {
	values := make([]float64, len(ms))
	for i, m := range ms {
		values[i] = field(m)
	}
	return spreadOf(values).Median
}
