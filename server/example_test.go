package server_test

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"nats-server/server"
)

// A program that contains a NATS server and talks to it without a socket.
func Example() {
	s, err := server.NewServer(&server.Options{DontListen: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer s.Shutdown()

	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()

	if _, err := nc.Subscribe("greet.*", func(m *nats.Msg) {
		_ = m.Respond([]byte("hello, " + string(m.Data)))
	}); err != nil {
		fmt.Println(err)
		return
	}
	answer, err := nc.Request("greet.en", []byte("world"), time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", answer.Data)
	fmt.Println(s.NumClients(), "client,", s.NumSubscriptions(), "subscriptions")
	// Output:
	// hello, world
	// 1 client, 2 subscriptions
}
