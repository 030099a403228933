package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

func init() {
	runtime.LockOSThread() // main keeps the thread the children depend on
}

// options are the command's flags.
type options struct {
	ref, server    string
	runs           int
	pattern        string
	length         time.Duration
	only           string
	markdown, json bool
	list           bool
}

func parseFlags() (o options) {
	flag.StringVar(&o.ref, "ref", "nats-server", "reference `executable`")
	flag.StringVar(&o.server, "server", "", "our `executable` (default: build the module)")
	flag.IntVar(&o.runs, "runs", 3, "alternating runs of each scenario")
	flag.StringVar(&o.pattern, "run", "", "only scenarios whose name matches this `regexp`")
	flag.DurationVar(&o.length, "time", 1500*time.Millisecond, "length of one measurement")
	flag.StringVar(&o.only, "only", "", "measure only `one` of: ours, ref, limit")
	flag.BoolVar(&o.markdown, "markdown", false, "print a markdown table")
	flag.BoolVar(&o.json, "json", false, "print all runs as JSON")
	flag.BoolVar(&o.list, "list", false, "list the scenarios and exit")
	flag.Parse()
	return o
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == relayCommand {
		runRelay(os.Args[2:])
		return
	}
	ok, err := run(parseFlags())
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if !ok || err != nil {
		os.Exit(1)
	}
}

// run is the whole command. It reports false when a scenario has failed.
func run(o options) (bool, error) {
	pattern, err := regexp.Compile(o.pattern)
	if err != nil {
		return false, err
	}
	if flag.NArg() > 0 || o.runs < 1 || o.length < 10*time.Millisecond {
		return false, fmt.Errorf("wrong arguments; see -h")
	}
	if o.list {
		for _, s := range scenarios() {
			fmt.Printf("%-16s %-32s %-18s target %s\n", s.name, s.title, s.figure, verdict(s, &result{}))
		}
		return true, nil
	}
	dir, err := os.MkdirTemp("", "nats-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	cleanOnSignal(dir)
	tuneRuntime()
	su, err := newSuite(o, dir)
	if err != nil {
		return false, err
	}
	return su.all(pattern), nil
}

// cleanOnSignal ends the children and removes the files when we are ended.
func cleanOnSignal(dir string) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-c
		killChildren()
		os.RemoveAll(dir)
		os.Exit(130)
	}()
}

// tuneRuntime keeps our own runtime out of the way: no collection during a
// measurement, and enough Ps that a thread coming back from a blocking call
// never has to wait for one.
func tuneRuntime() {
	raiseFiles()
	runtime.GOMAXPROCS(32)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(2 << 30)
}
