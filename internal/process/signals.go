package process

import (
	"maps"
	"os"
	"slices"

	"nats-server/internal/winsvc"
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

// loop acts on signals until the server has ended.
func loop(r *runner, signals <-chan os.Signal) {
	ended := make(chan struct{})
	go func() {
		r.server.WaitForShutdown()
		close(ended)
	}()
	signals = collect(signals, ended)
	now := running
	for {
		select {
		case <-ended:
			return
		case sig := <-signals:
			r.log.Noticef("Trapped %q signal", sig)
			now = r.act(meaning(sig), now)
		}
	}
}

// collect passes signals on when they can be obeyed. Meanwhile one of each kind is
// kept, so that none is lost behind others, until done is closed.
func collect(in <-chan os.Signal, done <-chan struct{}) <-chan os.Signal {
	out := make(chan os.Signal)
	go func() {
		var waiting []os.Signal
		for {
			next, to := os.Signal(nil), chan os.Signal(nil)
			if len(waiting) > 0 {
				next, to = waiting[0], out
			}
			select {
			case sig := <-in:
				if !slices.Contains(waiting, sig) {
					waiting = append(waiting, sig)
				}
			case to <- next:
				waiting = waiting[1:]
			case <-done:
				return
			}
		}
	}()
	return out
}

// meaning is what a signal, or a control of a service, asks for.
func meaning(sig os.Signal) action {
	switch sig {
	case winsvc.Stop:
		return stop
	case winsvc.Reload:
		return reload
	case winsvc.ReopenLog:
		return reopenLog
	case winsvc.LameDuck:
		return lameDuck
	}
	return actions[sig]
}

// act starts what a asks for, if it is more urgent than what is going on, and
// returns the phase that follows. The blocking calls run beside the loop, which
// must hear the next signal; they end with the server.
func (r *runner) act(a action, now phase) phase {
	switch {
	case a == reopenLog:
		r.log.Reopen()
	case a == reload:
		r.reload()
	case a == stop && now < stopping, a == terminate && now < leaving:
		r.tell(r.manager.Stopping())
		go r.server.Shutdown()
		return stopping
	case a == lameDuck && now < leaving:
		r.tell(r.manager.Stopping())
		go r.server.LameDuckShutdown()
		return leaving
	}
	return now
}
