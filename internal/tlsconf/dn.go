package tlsconf

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// maxDN is the length of the longest text that is taken for a distinguished name.
const maxDN = 4096

// dn is a distinguished name, most specific part first. Equal parts are equal
// strings: types in upper case, attributes of a part sorted, values quoted.
type dn []string

// ordered is equal for names with equal parts in the same order.
func (d dn) ordered() string { return strings.Join(d, ",") }

// sorted is equal for names with equal parts in any order.
func (d dn) sorted() string { return dn(slices.Sorted(slices.Values(d))).ordered() }

func part(attributes []string) string {
	slices.Sort(attributes)
	return strings.Join(attributes, "+")
}

func attribute(typ, value string) string { return strings.ToUpper(typ) + "=" + strconv.Quote(value) }

// parseDN parses the text form of RFC 4514, with blanks around types and values
// (spec: accounts-and-auth.md 1.7). Characters that must be escaped must be.
func parseDN(s string) (d dn, ok bool) {
	if len(s) > maxDN {
		return nil, false
	}
	var attributes []string
	for {
		typ, rest, found := strings.Cut(s, "=")
		typ = strings.Trim(typ, " ")
		if !found || !isType(typ) {
			return nil, false
		}
		value, rest, end, ok := parseValue(rest)
		if !ok {
			return nil, false
		}
		attributes = append(attributes, attribute(typ, value))
		if end != '+' {
			d = append(d, part(attributes))
			attributes = nil
		}
		if end == 0 {
			return d, true
		}
		s = rest
	}
}

// isType reports whether s is a name for a type of attributes.
func isType(s string) bool {
	for i := range len(s) {
		letter := 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z'
		other := '0' <= s[i] && s[i] <= '9' || s[i] == '-'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}

// parseValue takes a value from the front of s. end is the character that ended it,
// 0 for the end of s, and rest is what comes after it.
func parseValue(s string) (value, rest string, end byte, ok bool) {
	s = strings.TrimLeft(s, " ")
	if strings.HasPrefix(s, "#") {
		return "", "", 0, false // BER in hexadecimal digits
	}
	var b []byte
	length := 0 // without trailing blanks, unless they were escaped
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ',', '+':
			return string(b[:length]), s[i+1:], c, true
		case '\\':
			c, n := unescape(s[i+1:])
			if n == 0 {
				return "", "", 0, false
			}
			i += n
			b = append(b, c)
			length = len(b)
		case '"', ';', '<', '>', 0:
			return "", "", 0, false
		default:
			b = append(b, c)
			if c != ' ' {
				length = len(b)
			}
		}
	}
	return string(b[:length]), "", 0, true
}

// unescape returns the character that s, which follows a backslash, stands for, and
// of how many bytes it is; 0 if there is none.
func unescape(s string) (c byte, n int) {
	if s != "" && strings.IndexByte(`\"+,;<>#= `, s[0]) >= 0 {
		return s[0], 1
	}
	if len(s) >= 2 {
		if b, err := hex.DecodeString(s[:2]); err == nil {
			return b[0], 2
		}
	}
	return 0, 0
}

// oidDC is the type of domain components, for which package pkix has no field.
const oidDC = "0.9.2342.19200300.100.1.25"

// types are the attributes of certificates that distinguished names can contain.
var types = map[string]string{
	"2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.17": "POSTALCODE", oidDC: "DC",
}

// subjectDN returns the distinguished name of a certificate, whose DER has the least
// specific part first. There is none if the certificate has attributes of other types.
func subjectDN(der []byte) (d dn, ok bool) {
	var parts pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &parts); err != nil || len(rest) > 0 {
		return nil, false
	}
	for _, p := range slices.Backward(parts) {
		var attributes []string
		for _, a := range p {
			typ, known := types[a.Type.String()]
			value, isText := a.Value.(string)
			if !known || !isText {
				return nil, false
			}
			attributes = append(attributes, attribute(typ, value))
		}
		d = append(d, part(attributes))
	}
	return d, len(d) > 0
}
