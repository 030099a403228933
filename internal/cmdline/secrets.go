package cmdline

import (
	"flag"
	"strings"
)

// Span is a part of an argument.
type Span struct{ Arg, From, To int }

// Secrets returns where in args, the command line without the program's name,
// passwords and tokens are: the values of --user, --pass and --auth, and what is
// before the @ in the URLs of routes and clusters.
func Secrets(args []string) []Span {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	declare(fs)
	var all []Span
	for i := 0; i < len(args); i++ {
		name := strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-")
		if name == "" || name == args[i] {
			break // what follows is not a flag
		}
		at, from := i, 0
		name, _, inline := strings.Cut(name, "=")
		f := fs.Lookup(name)
		switch {
		case f == nil:
			return all
		case inline:
			from = strings.IndexByte(args[i], '=') + 1
		default:
			if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
				continue
			}
			if i++; i == len(args) {
				return all
			}
			at = i
		}
		switch name {
		case "user", "pass", "auth":
			all = append(all, Span{at, from, len(args[at])})
		case "routes", "cluster", "cluster_listen":
			all = append(all, credentials(args[at], at, from)...)
		}
	}
	return all
}

// credentials finds those of the URLs in arg[from:].
func credentials(arg string, at, from int) (all []Span) {
	for {
		start := strings.Index(arg[from:], "://")
		if start < 0 {
			return all
		}
		start += from + len("://")
		end := len(arg)
		if n := strings.IndexAny(arg[start:], "/,"); n >= 0 {
			end = start + n
		}
		if n := strings.LastIndexByte(arg[start:end], '@'); n >= 0 {
			all = append(all, Span{at, start, start + n})
		}
		from = end
	}
}
