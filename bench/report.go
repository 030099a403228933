package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// scenario describes one line of the table.
type scenario struct {
	name     string
	title    string
	figure   string  // what is compared, e.g. "CPU/delivery"
	unit     string  // of the figure
	higher   bool    // more is better
	target   float64 // the least ratio, or, if absolute, the most for ours
	absolute bool
	oursOnly bool
	run      func(*env) (measurement, error)
	limit    func(*env) (measurement, error) // nil: a relay says nothing here
}

var columns = []string{"scenario", "figure", "ours", "reference", "ratio (min–max)", "target", "limit", "also (ours / reference)"}

// row formats one result, one cell per column.
func row(s scenario, r *result) []string {
	return []string{
		s.name + ": " + s.title,
		s.figure,
		figureOf(r.Ours, s.unit),
		figureOf(r.Reference, s.unit),
		ratioCell(r),
		verdict(s, r),
		figureOf(r.Limit, s.unit),
		also(r),
	}
}

func figureOf(ms []measurement, unit string) string {
	if len(ms) == 0 {
		return "–"
	}
	return number(median(ms, func(m measurement) float64 { return m.Figure })) + " " + unit
}

// number prints three significant digits, large numbers in full.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func ratioCell(r *result) string {
	if r.Ratio == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", r.Ratio.Median, r.Ratio.Min, r.Ratio.Max)
}

// verdict compares the median with the target.
func verdict(s scenario, r *result) string {
	var text string
	var met bool
	if s.absolute {
		text = fmt.Sprintf("≤ %s", number(s.target))
		if len(r.Ours) == 0 {
			return text
		}
		met = median(r.Ours, func(m measurement) float64 { return m.Figure }) <= s.target
	} else {
		text = strings.TrimSuffix(fmt.Sprintf("%.2f", s.target), "0")
		if r.Ratio == nil {
			return text
		}
		met = r.Ratio.Median >= s.target
	}
	if met {
		return text + " ok"
	}
	return text + " MISS"
}

// also lists the figures beside the compared one, and what went wrong.
func also(r *result) string {
	var parts []string
	add := func(name, unit string, field func(measurement) float64) {
		a, b := median(r.Ours, field), median(r.Reference, field)
		switch {
		case a == 0 && b == 0:
		case len(r.Reference) == 0:
			parts = append(parts, fmt.Sprintf("%s %s %s", name, number(a), unit))
		case len(r.Ours) == 0:
			parts = append(parts, fmt.Sprintf("%s %s %s", name, number(b), unit))
		default:
			parts = append(parts, fmt.Sprintf("%s %s / %s %s", name, number(a), number(b), unit))
		}
	}
	add("CPU", "ns", func(m measurement) float64 { return m.CPU })
	add("wall", "ns", func(m measurement) float64 { return m.Wall })
	add("rate", "/s", func(m measurement) float64 { return m.Rate })
	add("p50", "µs", func(m measurement) float64 { return m.P50 })
	add("p99", "µs", func(m measurement) float64 { return m.P99 })
	add("p99.9", "µs", func(m measurement) float64 { return m.P999 })
	add("peak RSS", "MB", func(m measurement) float64 { return m.RSS })
	for _, side := range []struct {
		name string
		ms   []measurement
	}{{"ours", r.Ours}, {"reference", r.Reference}} {
		if n := len(side.ms); n > 0 && side.ms[n-1].Note != "" {
			parts = append(parts, side.name+": "+side.ms[n-1].Note)
		}
	}
	for _, f := range r.Failed {
		parts = append(parts, "FAILED "+f)
	}
	return strings.Join(parts, "; ")
}

// printer writes the table, row by row as the results come.
type printer interface {
	head()
	add(scenario, *result)
	end()
}

func newPrinter(w io.Writer, markdown, asJSON bool) printer {
	switch {
	case asJSON:
		return &jsonPrinter{w: w}
	case markdown:
		return markdownPrinter{w}
	}
	return textPrinter{w}
}

// textPrinter gives each scenario one line, and a second one for the rest.
type textPrinter struct{ w io.Writer }

var widths = []int{46, 16, 14, 14, 20, 12, 12}

func (p textPrinter) line(cells []string) {
	var b strings.Builder
	for i, c := range cells[:len(widths)] {
		b.WriteString(c)
		b.WriteString(strings.Repeat(" ", max(1, widths[i]-utf8.RuneCountInString(c))))
	}
	fmt.Fprintln(p.w, strings.TrimRight(b.String(), " "))
}

func (p textPrinter) head() { p.line(columns) }

func (p textPrinter) add(s scenario, r *result) {
	cells := row(s, r)
	p.line(cells)
	if rest := cells[len(cells)-1]; rest != "" {
		fmt.Fprintln(p.w, "    "+rest)
	}
}

func (p textPrinter) end() {}

type markdownPrinter struct{ w io.Writer }

func (p markdownPrinter) line(cells []string) {
	fmt.Fprintln(p.w, "| "+strings.Join(cells, " | ")+" |")
}

func (p markdownPrinter) head() {
	p.line(columns)
	fmt.Fprintln(p.w, strings.Repeat("|---", len(columns))+"|")
}

func (p markdownPrinter) add(s scenario, r *result) { p.line(row(s, r)) }
func (p markdownPrinter) end()                      {}

// jsonPrinter keeps everything and writes one array at the end.
type jsonPrinter struct {
	w   io.Writer
	all []*result
}

func (p *jsonPrinter) head()                     {}
func (p *jsonPrinter) add(_ scenario, r *result) { p.all = append(p.all, r) }
func (p *jsonPrinter) end() {
	enc := json.NewEncoder(p.w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p.all); err != nil {
		fmt.Fprintln(p.w, err)
	}
}
