package mkpasswd

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What invented passwords are made of: 22 of 72 symbols, which are 135 bits.
const (
	symbols = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@$#%^&*()"
	length  = 22
)

// invent returns a random password, every symbol as likely as any other.
func invent() string {
	kinds := big.NewInt(int64(len(symbols)))
	password := make([]byte, length)
	for i := range password {
		n, err := rand.Int(rand.Reader, kinds)
		if err != nil {
			panic(err) // the source of package rand never fails
		}
		password[i] = symbols[n.Int64()]
	}
	return string(password)
}

// minLength is how many characters a password must have that somebody thought up.
const minLength = 8

// refusal says why a password is not accepted.
type refusal string

func (r refusal) Error() string { return string(r) }

// check returns a refusal or nil. Too long a password is left to bcrypt.
func check(password string) error {
	switch {
	case password == "":
		return refusal("the password is empty")
	case !utf8.ValidString(password):
		// Clients send it as a JSON string.
		return refusal("the password is not valid UTF-8")
	case strings.ContainsFunc(password, unicode.IsControl):
		return refusal("the password contains control characters")
	case utf8.RuneCountInString(password) < minLength:
		return refusal(fmt.Sprintf("the password has fewer than %d characters", minLength))
	}
	return nil
}
