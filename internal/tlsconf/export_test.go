package tlsconf

var (
	NewServerAt = newServer
	Advice      = advice
)

// CanonicalDN returns the two forms by which distinguished names are compared.
func CanonicalDN(s string) (ordered, sorted string, ok bool) {
	d, ok := parseDN(s)
	return d.ordered(), d.sorted(), ok
}
