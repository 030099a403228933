package perms

// Len returns how many replies are held, expired ones included.
func (r *Replies) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byText)
}
