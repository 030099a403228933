// Command nats-server runs a NATS-compatible messaging server. Package process
// does the work; this file only joins it to the real server.
package main

import (
	"os"

	"nats-server/internal/options"
	"nats-server/internal/process"
	"nats-server/server"
)

func main() {
	os.Exit(process.Main(process.HideSecrets(os.Args), os.Stdout, os.Stderr, newServer))
}

func newServer(o *options.Options) (process.Server, error) {
	return server.NewServer(o)
}
