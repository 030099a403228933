package process

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"

	"nats-server/internal/cmdline"
	"nats-server/internal/ctl"
	"nats-server/internal/logs"
	"nats-server/internal/mkpasswd"
	"nats-server/internal/options"
	"nats-server/internal/plan"
	"nats-server/internal/winsvc"
)

// Exit statuses, besides those that come from package cmdline.
const (
	exitOK     = 0
	exitFailed = 1
)

// Server is what the process needs from a server. It logs its own start-up,
// reload, lame duck and shutdown lines, those of the end before WaitForShutdown
// returns.
type Server interface {
	Name() string
	SetLogger(l logs.Logger, debug, trace bool)
	Start() error                         // returns when clients can connect, or with nothing left running
	Addr() net.Addr                       // of the client listener, nil if there is none
	ClusterAddr() net.Addr                // of the listener for other servers, nil if there is none
	MonitorAddr() net.Addr                // of the listener for monitoring, nil if there is none
	ProfileAddr() net.Addr                // of the listener for profiles, nil if there is none
	CheckReload(*options.Options) error   // whether ReloadOptions would refuse
	ReloadOptions(*options.Options) error // as a whole or not at all
	Shutdown()                            // blocks until the server has ended; may interrupt a lame duck period
	LameDuckShutdown()                    // blocks for the lame duck period and the shutdown after it
	WaitForShutdown()                     // blocks until the server has ended, for whatever reason
}

// NewServer builds a server without any effect outside of it. Its error is a
// complaint about the options.
type NewServer func(*options.Options) (Server, error)

// Main does what args, the command line without the program's name, asks for and
// returns the exit status. It blocks for as long as the server runs and meanwhile
// takes over the process's signals.
func Main(args []string, stdout, stderr io.Writer, newServer NewServer) int {
	c := cmdline.Parse(args)
	switch c.Do {
	case cmdline.Signal:
		return complain(stderr, ctl.Send(c.Argument))
	case cmdline.Mkpasswd:
		return mkpasswd.Main(c.Args, os.Stdin, stdout, stderr)
	case cmdline.Test:
		return test(&c, stderr)
	case cmdline.Serve:
		tuneGC()
		return host(&c, stderr, newServer)
	}
	io.WriteString(stderr, c.Stderr)
	io.WriteString(stdout, c.Stdout)
	return c.Code
}

// complain prints err, if it is one, and returns the exit status.
func complain(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "nats-server: %v\n", err)
	return exitFailed
}

// tuneGC halves the default headroom of the heap, unless the environment says
// something about it: the hot paths allocate nothing, so collecting more often
// costs no throughput and saves memory with many connections.
func tuneGC() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(50)
	}
}

// test says whether the configuration is good and, if asked, what a reload with it
// would change: that of a process, with the flags of the process. Warnings count as
// failure (spec: configuration.md 7.3).
func test(c *cmdline.Command, stderr io.Writer) int {
	var running plan.Snapshot
	var unread error
	if c.Against != "" {
		if running, unread = plan.Read(c.Against); running.Flags != nil {
			reloaded, err := c.GivenTo(running.Flags.Args)
			if err != nil {
				return complain(stderr, err)
			}
			c = &reloaded
		}
	}
	o, warnings, err := c.Load()
	if err == nil && len(warnings) > 0 {
		err = lines(warnings)
	}
	if err != nil {
		return complain(stderr, err)
	}
	full, err := o.Complete()
	if err != nil {
		return complain(stderr, err)
	}
	if unread != nil {
		return complain(stderr, unread)
	}
	var changes string
	var refused error
	if c.Against != "" {
		changes, refused = running.Describe(&full)
	}
	fmt.Fprintf(stderr, "nats-server: configuration file %s is valid (%s)\n%s", o.ConfigFile, o.ConfigDigest, changes)
	return complain(stderr, refused)
}

// host runs the server under whatever started the process.
func host(c *cmdline.Command, stderr io.Writer, newServer NewServer) int {
	if !winsvc.Detected() {
		signals := make(chan os.Signal, 16)
		return run(c, stderr, newServer, signals, func() {
			signal.Notify(signals, trapped()...)
			signal.Ignore(ignored...)
		}, func() {})
	}
	status, err := winsvc.Run(func(controls <-chan os.Signal, ready func()) int {
		return run(c, stderr, newServer, controls, func() {}, ready)
	})
	if err != nil {
		return complain(stderr, err)
	}
	return status
}
