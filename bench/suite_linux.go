package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
)

// suite runs scenarios in turn on the chosen sides.
type suite struct {
	o         options
	dir       string
	ours, ref string // executables; empty: this side is not measured
	out       printer
}

func newSuite(o options, dir string) (su *suite, err error) {
	su = &suite{o: o, dir: dir, out: newPrinter(os.Stdout, o.markdown, o.json)}
	switch o.only {
	case "", "ours", "ref", "limit":
	default:
		return nil, fmt.Errorf("-only %s: want ours, ref or limit", o.only)
	}
	if su.measures("ref") {
		if su.ref, err = exec.LookPath(o.ref); err != nil {
			return nil, fmt.Errorf("reference: %w; give it with -ref, or use -only ours", err)
		}
	}
	if su.measures("ours") {
		if su.ours = o.server; su.ours == "" {
			su.ours, err = buildServer(dir)
		} else {
			su.ours, err = exec.LookPath(o.server)
		}
	}
	return su, err
}

func (su *suite) measures(side string) bool { return su.o.only == "" || su.o.only == side }

// all runs the matching scenarios and prints each as it is done.
func (su *suite) all(pattern *regexp.Regexp) bool {
	ok := true
	su.out.head()
	for _, s := range scenarios() {
		if !pattern.MatchString(s.name) || su.o.only == "limit" && s.limit == nil {
			continue
		}
		r := su.scenario(s)
		ok = ok && len(r.Failed) == 0
		su.out.add(s, r)
	}
	su.out.end()
	return ok
}

// scenario makes the rounds of one scenario.
func (su *suite) scenario(s scenario) *result {
	r := &result{Scenario: s.name}
	for range su.o.runs {
		failures := len(r.Failed)
		var ours, ref measurement
		withRef := su.ref != "" && !(s.oursOnly && su.o.only == "")
		if su.ours != "" {
			ours = su.one(s, r, "ours", su.ours, s.run)
		}
		if withRef {
			ref = su.one(s, r, "reference", su.ref, s.run)
		}
		if failures == len(r.Failed) { // a round counts as a whole or not at all
			if su.ours != "" {
				r.Ours = append(r.Ours, ours)
			}
			if withRef {
				r.Reference = append(r.Reference, ref)
			}
		}
		if s.limit != nil && su.measures("limit") {
			failures = len(r.Failed)
			if m := su.one(s, r, "limit", "", s.limit); failures == len(r.Failed) {
				r.Limit = append(r.Limit, m)
			}
		}
	}
	if all := ratios(r.Ours, r.Reference, s.higher); len(all) > 0 {
		sp := spreadOf(all)
		r.Ratio = &sp
	}
	return r
}

// one makes one run and notes its failure.
func (su *suite) one(s scenario, r *result, side, program string, f func(*env) (measurement, error)) measurement {
	runtime.GC()
	m, err := runIn(newEnv(program, su.dir, su.o.length), f)
	progress := number(m.Figure) + " " + s.unit
	if err != nil {
		r.Failed = append(r.Failed, side+": "+err.Error())
		progress = "FAILED"
	}
	fmt.Fprintf(os.Stderr, "  %s %s: %s\n", s.name, side, progress)
	return m
}
