package process

import (
	"maps"
	"os"
	"slices"
)

// action is what a signal means; the table actions is per operating system.
type action int

const (
	stop      action = iota // shut down at once, also out of lame duck mode
	terminate               // the same, but lame duck mode is allowed to finish
	lameDuck
	reopenLog
	reload
)

func trapped() []os.Signal { return slices.Collect(maps.Keys(actions)) }

// phase keeps what has been asked of the server so far, in order of urgency.
type phase int

const (
	running phase = iota
	leaving       // in lame duck mode
	stopping
)

// serve acts on signals until the server has ended.
func serve(srv Server, log *processLog, signals <-chan os.Signal) {
	ended := make(chan struct{})
	go func() {
		srv.WaitForShutdown()
		close(ended)
	}()
	now := running
	for {
		select {
		case <-ended:
			return
		case sig := <-signals:
			log.Noticef("Trapped %q signal", sig)
			now = act(srv, log, actions[sig], now)
		}
	}
}

// act starts what a asks for, if it is more urgent than what is going on, and
// returns the phase that follows. The blocking calls run beside the loop, which
// must hear the next signal; they end with the server.
func act(srv Server, log *processLog, a action, now phase) phase {
	switch {
	case a == reopenLog:
		log.reopen()
	case a == reload:
		log.Errorf("Failed to reload server configuration: can only reload config when a file is provided using -c or --config")
	case a == stop && now < stopping, a == terminate && now < leaving:
		go srv.Shutdown()
		return stopping
	case a == lameDuck && now < leaving:
		go srv.LameDuckShutdown()
		return leaving
	}
	return now
}
