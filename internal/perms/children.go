package perms

// children are the literal tokens of a level. A few are searched one by one, since
// most lists are short and there may be one for each of many users; more than few are
// a hash table, of which at least half of the slots are free.
type children struct {
	slots []branch // without a node: free
	many  int32    // how many there are, if they are a hash table
}

type branch struct {
	key   uint64 // of token, from first
	token string
	*node
}

const few = 8

// is reports whether b is the branch of a token.
func (b *branch) is(token []byte, key uint64) bool {
	return b.key == key && len(b.token) == len(token) && (len(token) <= word || b.token == string(token))
}

// find returns the node of a token with that key, or nil. A wildcard is a token like
// any other.
func (c *children) find(token []byte, key uint64) *node {
	if c.many == 0 {
		for i := range c.slots {
			if b := &c.slots[i]; b.is(token, key) {
				return b.node
			}
		}
		return nil
	}
	for mask, i := uint64(len(c.slots)-1), mix(key); ; i++ {
		if b := &c.slots[i&mask]; b.node == nil || b.is(token, key) {
			return b.node
		}
	}
}

// add adds a token, which must be missing.
func (c *children) add(b branch) {
	switch n := len(c.slots); {
	case c.many == 0 && n < few:
		c.slots = append(c.slots, b)
		return
	case c.many == 0:
		c.resize(4 * few)
	case int(c.many) >= n/2:
		c.resize(2 * n)
	}
	c.place(b)
}

// resize makes c a hash table with n slots, a power of two.
func (c *children) resize(n int) {
	old := c.slots
	c.slots, c.many = make([]branch, n), 0
	for _, b := range old {
		if b.node != nil {
			c.place(b)
		}
	}
}

func (c *children) place(b branch) {
	mask, i := uint64(len(c.slots)-1), mix(b.key)
	for c.slots[i&mask].node != nil {
		i++
	}
	c.slots[i&mask] = b
	c.many++
}
