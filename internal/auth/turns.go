package auth

import "sync"

// turns lets one at a time compute a hash, so that a flood of logins leaves processors
// for others. Those from one place stand in a line, and the lines take turns: a place
// that sends many delays itself.
type turns struct {
	mu    sync.Mutex
	busy  bool
	lines map[string][]chan struct{} // by place; none is empty
	order []string                   // places with a line, the next one first
}

// take returns when it is the caller's turn, and whether it had to wait for it. pass
// must follow.
func (t *turns) take(place string) (waited bool) {
	t.mu.Lock()
	if !t.busy {
		t.busy = true
		t.mu.Unlock()
		return false
	}
	if t.lines == nil {
		t.lines = make(map[string][]chan struct{})
	}
	line := t.lines[place]
	if line == nil {
		t.order = append(t.order, place)
	}
	mine := make(chan struct{})
	t.lines[place] = append(line, mine)
	t.mu.Unlock()
	<-mine
	return true
}

// pass ends a turn.
func (t *turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order) == 0 {
		t.busy = false
		return
	}
	place := t.order[0]
	t.order = t.order[1:]
	line := t.lines[place]
	close(line[0])
	if len(line) == 1 {
		delete(t.lines, place)
		return
	}
	t.lines[place] = line[1:]
	t.order = append(t.order, place)
}
