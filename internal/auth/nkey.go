package auth

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/nats-io/nkeys"
)

// SignatureFault says what is wrong with the signature of the nonce (spec:
// accounts-and-auth 1.6), "" if nothing is or no nkey was presented. It is in base64,
// with or without padding and in either alphabet.
func SignatureFault(c *Credentials) string {
	if c.Nkey == "" {
		return ""
	}
	if c.Signature == "" {
		return "Signature missing"
	}
	sig, err := base64.RawURLEncoding.DecodeString(c.Signature)
	if err != nil {
		if sig, err = base64.StdEncoding.DecodeString(c.Signature); err != nil {
			return "Signature not valid base64"
		}
	}
	key, err := nkeys.FromPublicKey(c.Nkey)
	if err != nil {
		return "User nkey not valid: " + err.Error()
	}
	if c.Nonce == "" || key.Verify([]byte(c.Nonce), sig) != nil {
		return "Signature not verified"
	}
	return ""
}

// NewNonce returns what one peer is to sign.
func NewNonce() string {
	b := make([]byte, 11)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// IsNkey reports whether s is the public key of a user.
func IsNkey(s string) bool { return nkeys.IsValidPublicUserKey(s) }
