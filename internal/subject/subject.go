// Package subject knows what subjects and filters are: tokens separated by dots,
// where a filter may hold '*' for any one token and a last '>' for one or more
// (spec: client-protocol 7). It holds pure functions over bytes.
package subject

const (
	sep  = '.'
	one  = '*'
	rest = '>'
)

// Next splits off the first token of s. more tells whether a separator followed,
// so that an empty tail after a final dot is still seen as a token.
func Next[S []byte | string](s S) (token, tail S, more bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, s[len(s):], false
}

// IsOne reports whether token stands for any one token.
func IsOne[S []byte | string](token S) bool { return len(token) == 1 && token[0] == one }

// IsRest reports whether token stands for one or more tokens.
func IsRest[S []byte | string](token S) bool { return len(token) == 1 && token[0] == rest }

// ValidFilter reports whether s may be subscribed to: no empty token, and '>'
// only as the last one.
func ValidFilter[S []byte | string](s S) bool {
	for more := true; more; {
		var token S
		token, s, more = Next(s)
		if len(token) == 0 || more && IsRest(token) {
			return false
		}
	}
	return true
}

// HasEmptyToken reports whether some token of s is empty. A message published to
// such a subject reaches nobody.
func HasEmptyToken(s []byte) bool { return ShapeOf(s).Empty }

// HasWildcard reports whether some token of s is a wildcard.
func HasWildcard[S []byte | string](s S) bool {
	for more := true; more; {
		var token S
		token, s, more = Next(s)
		if IsOne(token) || IsRest(token) {
			return true
		}
	}
	return false
}

// Literal reports whether s is a subject in the strict sense that pedantic
// clients ask for: no empty token and no wildcard.
func Literal(s []byte) bool { return !HasEmptyToken(s) && !HasWildcard(s) }

// Tokens returns the number of tokens in s.
func Tokens(s []byte) int { return ShapeOf(s).Tokens }

// Match reports whether a message published to subj reaches a subscription to
// filter. Wildcards in subj are ordinary token values.
func Match(filter, subj string) bool {
	if HasEmptyToken([]byte(subj)) {
		return false
	}
	for {
		want, filterTail, filterMore := Next(filter)
		got, subjTail, subjMore := Next(subj)
		switch {
		case IsRest(want) && !filterMore:
			return true
		case !IsOne(want) && want != got:
			return false
		case filterMore != subjMore:
			return false
		case !filterMore:
			return true
		}
		filter, subj = filterTail, subjTail
	}
}
