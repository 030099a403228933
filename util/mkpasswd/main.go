// Command mkpasswd makes bcrypt hashes for the server's configuration, of
// passwords that it invents or is given. Package mkpasswd does the work.
package main

import (
	"os"

	"nats-server/internal/mkpasswd"
)

func main() {
	os.Exit(mkpasswd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
