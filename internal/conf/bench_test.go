package conf_test

import (
	"fmt"
	"strings"
	"testing"

	"nats-server/internal/conf"
)

// server is a configuration of the number of lines given, as operators write them.
func server(lines int) []byte {
	const part = `# What the next part is about, said in one line.
listen: 127.0.0.1:4222
max_payload: 1MB // more than that is for files
cluster {
  name: "east"
  listen: 0.0.0.0:6222
  routes = [
    nats-route://ruser:T0pS3cr3t@10.0.0.1:6222
    nats-route://ruser:T0pS3cr3t@10.0.0.2:6222
  ]
}
`
	return []byte(strings.Repeat(part, lines/strings.Count(part, "\n")))
}

// users is a configuration with as many users as given.
func users(n int) []byte {
	var b strings.Builder
	b.WriteString("P = {publish: [\"a.>\", b], subscribe: \"_INBOX.>\"}\nauthorization {\n  users = [\n")
	for i := range n {
		fmt.Fprintf(&b, "    {user: user%05d, password: \"$2a$11$W2zko751KUvVy59mUTWmp\", permissions: $P}\n", i)
	}
	b.WriteString("  ]\n}\n")
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	f := func(name string, text []byte) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conf.Parse(text, file); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	f("2000 lines", server(2000))
	f("10000 users", users(10_000))
}

func BenchmarkDigest(b *testing.B) {
	parsed := parse(b, string(users(10_000)))
	b.ReportAllocs()
	for b.Loop() {
		parsed.Digest()
	}
}
