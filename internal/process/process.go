package process

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"time"

	"nats-server/internal/cmdline"
	"nats-server/internal/logs"
	"nats-server/internal/options"
)

// Exit statuses, besides those that come from package cmdline.
const (
	exitOK     = 0
	exitFailed = 1
)

// Server is what the process needs from a server. It logs its own start-up,
// lame duck and shutdown lines, all of them before WaitForShutdown returns.
type Server interface {
	SetLogger(l logs.Logger, debug, trace bool)
	Start() error      // returns when clients can connect, or with nothing left running
	Shutdown()         // blocks until the server has ended; may interrupt a lame duck period
	LameDuckShutdown() // blocks for the lame duck period and the shutdown after it
	WaitForShutdown()  // blocks until the server has ended, for whatever reason
}

// NewServer builds a server without any effect outside of it. Its error is a
// complaint about the options.
type NewServer func(*options.Options) (Server, error)

// Main does what args, the command line without the program's name, asks for and
// returns the exit status. It blocks for as long as the server runs and meanwhile
// takes over the process's signals.
func Main(args []string, stdout, stderr io.Writer, newServer NewServer) int {
	c := cmdline.Parse(args)
	if c.Run == nil {
		io.WriteString(stderr, c.Stderr)
		io.WriteString(stdout, c.Stdout)
		return c.Code
	}
	tuneGC()
	return run(c.Run, stderr, newServer)
}

// tuneGC halves the default headroom of the heap, unless the environment says
// something about it: the hot paths allocate nothing, so collecting more often
// costs no throughput and saves memory with many connections.
func tuneGC() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(50)
	}
}

func run(o *options.Options, stderr io.Writer, newServer NewServer) int {
	srv, err := newServer(o)
	if err != nil {
		fmt.Fprintf(stderr, "nats-server: %v\n", err)
		return exitFailed
	}
	log, err := openLog(o, stderr)
	if err != nil {
		// There is no log yet: date and time, neither pid nor label (spec: command-line 3).
		fmt.Fprintf(stderr, "%s error opening file: %v\n", time.Now().Format("2006/01/02 15:04:05"), err)
		return exitFailed
	}
	defer log.close()
	srv.SetLogger(log, o.Debug, o.Trace)

	if err := writePidFile(o.PidFile); err != nil {
		log.Fatalf("Could not write pidfile: %v", err)
		return exitFailed
	}
	// From here on a signal waits for the end of Start instead of killing a server
	// that is half way up.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, trapped()...)
	defer signal.Stop(signals)

	if err := srv.Start(); err != nil {
		log.Fatalf("%v", err)
		return exitFailed
	}
	serve(srv, log, signals)
	return exitOK
}

// writePidFile leaves the process id at path, "" meaning nowhere. There is no
// newline: whoever sends signals takes the content literally (spec: command-line 5
// and 7). The file stays when the process ends.
func writePidFile(path string) error {
	if path == "" {
		return nil
	}
	return os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o600)
}
