// Package ids makes the identities of servers.
package ids

import "github.com/nats-io/nkeys"

// NewServer returns a fresh server id: the public half of a new server nkey, 'N'
// and 55 base32 characters.
func NewServer() (string, error) {
	key, err := nkeys.CreateServer()
	if err != nil {
		return "", err
	}
	defer key.Wipe()
	return key.PublicKey()
}
