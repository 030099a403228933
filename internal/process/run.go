package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"nats-server/internal/cmdline"
	"nats-server/internal/options"
	"nats-server/internal/plan"
	"nats-server/internal/systemd"
)

// runner is a server with what the process has set up around it. It belongs to the
// goroutine that runs the process.
type runner struct {
	command  *cmdline.Command
	stderr   io.Writer
	server   Server
	options  options.Options // complete, as in force
	log      *log
	ports    string // path of the ports file, "" = none
	settings plan.Publisher
	manager  *systemd.Notifier
}

// run serves until the server ends. Signals are expected from when trap is called;
// ready is called as soon as clients can connect.
func run(c *cmdline.Command, stderr io.Writer, newServer NewServer, signals <-chan os.Signal, trap, ready func()) int {
	o, warnings, err := c.Load()
	if err != nil {
		return complain(stderr, err)
	}
	full, err := o.Complete()
	if err != nil {
		return complain(stderr, err)
	}
	srv, err := newServer(o)
	if err != nil {
		return complain(stderr, err)
	}
	for _, w := range warnings {
		fmt.Fprintln(stderr, w)
	}
	r := &runner{command: c, stderr: stderr, server: srv, options: full, manager: systemd.New()}
	if r.log, err = openLog(&full, srv.Name(), stderr); err != nil {
		// There is no log yet: date and time, neither pid nor label (spec: command-line 3).
		fmt.Fprintf(stderr, "%s %v\n", time.Now().Format("2006/01/02 15:04:05"), err)
		return exitFailed
	}
	defer func() { r.log.Close() }()
	srv.SetLogger(r.log, full.Debug, full.Trace)
	return r.serve(signals, trap, ready)
}

func (r *runner) serve(signals <-chan os.Signal, trap, ready func()) int {
	defer r.server.SetLogger(nil, false, false)
	// From here on a signal waits for the end of Start instead of killing a server
	// that is half way up. Whoever sees the pid file may send one.
	trap()
	defer signal.Reset(trapped()...)
	defer r.settings.Close()
	r.publish()
	if err := writePidFile(r.options.PidFile); err != nil {
		r.log.Fatalf("Could not write pidfile: %v", err)
		return exitFailed
	}

	if err := r.server.Start(); err != nil {
		r.log.Fatalf("%v", err)
		return exitFailed
	}
	r.writePorts(r.options.PortsFileDir)
	defer r.removePorts()
	ready()
	r.tell(r.manager.Ready())

	stop := r.watch()
	defer stop()
	loop(r, signals)
	return exitOK
}

// watch keeps the service manager informed that the process is alive, until the
// function that it returns is called.
func (r *runner) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	logger := r.log // a reload may replace it, and then this one is silent
	done.Go(func() {
		r.manager.Watchdog(ctx, func() bool { return true }, func(err error) { logger.Warnf("%v", err) })
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// tell logs that the service manager could not be told something.
func (r *runner) tell(err error) {
	if err != nil {
		r.log.Warnf("%v", err)
	}
}

// publish lets others see the settings in force.
func (r *runner) publish() {
	args, secret := r.command.Given()
	if err := r.settings.Publish(plan.Of(&r.options, &plan.Flags{Args: args, Secret: secret})); err != nil {
		r.log.Debugf("Settings are not published for --against: %v", err)
	}
}

// lines is an error of several lines.
type lines []string

func (l lines) Error() string { return strings.Join(l, "\n") + "\n" }
