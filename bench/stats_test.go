package main

import (
	"slices"
	"testing"
)

func TestPercentile(t *testing.T) {
	var s []int64
	for i := range int64(1000) {
		s = append(s, i+1)
	}
	for _, c := range []struct {
		p    float64
		want int64
	}{{0, 1}, {0.5, 500}, {0.99, 990}, {0.999, 999}, {1, 1000}} {
		if got := percentile(s, c.p); got != c.want {
			t.Errorf("percentile(%v) = %d, want %d", c.p, got, c.want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("no samples: %d", got)
	}
	if got := percentile([]int64{7}, 0.01); got != 7 {
		t.Errorf("one sample: %d", got)
	}
}

func TestSpread(t *testing.T) {
	in := []float64{4, 1, 3}
	if got := spreadOf(in); got != (spread{3, 1, 4}) {
		t.Errorf("odd: %+v", got)
	}
	if !slices.Equal(in, []float64{4, 1, 3}) {
		t.Error("the argument was reordered")
	}
	if got := spreadOf([]float64{4, 1, 3, 2}); got != (spread{2.5, 1, 4}) {
		t.Errorf("even: %+v", got)
	}
}

func TestRatiosArePerRound(t *testing.T) {
	ours := []measurement{{Figure: 10}, {Figure: 20}}
	ref := []measurement{{Figure: 30}, {Figure: 80}, {Figure: 1}}
	if got := ratios(ours, ref, false); !slices.Equal(got, []float64{3, 4}) {
		t.Errorf("lower is better: %v", got)
	}
	if got := ratios(ref, ours, true); !slices.Equal(got, []float64{3, 4}) {
		t.Errorf("higher is better: %v", got)
	}
}

func TestVerdict(t *testing.T) {
	ratio := scenario{target: 3}
	limit := scenario{target: 250, absolute: true}
	r := &result{Ours: []measurement{{Figure: 100}}, Reference: []measurement{{Figure: 290}}}
	r.Ratio = &spread{Median: 2.9}
	if got := verdict(ratio, r); got != "3.0 MISS" {
		t.Error(got)
	}
	r.Ratio.Median = 3
	if got := verdict(ratio, r); got != "3.0 ok" {
		t.Error(got)
	}
	if got := verdict(limit, r); got != "≤ 250 ok" {
		t.Error(got)
	}
	r.Ours[0].Figure = 251
	if got := verdict(limit, r); got != "≤ 250 MISS" {
		t.Error(got)
	}
}
