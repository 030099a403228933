package route

// learnt counts the URLs of other servers that clients are told (spec: cluster-routes 9).
type learnt struct {
	count map[string]int
	ever  bool // there was another server, so that clients are told the own ones, too
}

// add takes those of a new server, and reports whether clients are to be told.
func (l *learnt) add(m *member, urls []string, set *Settings) (changed bool) {
	if set.NoAdvertise {
		return false
	}
	changed = !l.ever
	l.ever = true
	m.urls = urls
	for _, u := range m.urls {
		if l.count == nil {
			l.count = make(map[string]int)
		}
		if l.count[u]++; l.count[u] == 1 {
			changed = true
		}
	}
	return changed
}

// drop forgets those of a server that is gone, or about to go, and reports whether clients
// are to be told.
func (l *learnt) drop(m *member) (changed bool) {
	for _, u := range m.urls {
		if l.count[u]--; l.count[u] == 0 {
			delete(l.count, u)
			changed = true
		}
	}
	m.urls = nil
	return changed
}

// tell lets clients know what there is to know.
func (c *Cluster) tell() {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.mu.Lock()
	known := c.learnt.ever
	urls := make([]string, 0, len(c.learnt.count))
	for u := range c.learnt.count {
		urls = append(urls, u)
	}
	c.mu.Unlock()
	name, _ := c.Name()
	c.cfg.Tell(name, known, urls)
}
