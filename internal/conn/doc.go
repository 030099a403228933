// Package conn is the connection core that every kind of peer shares: one socket,
// its reader, its outbound queue, its liveness and its end. It knows bytes, time
// and limits; what the bytes mean is the business of a Session.
//
// # In
//
// A connection's bytes come over a link. On Linux, TCP sockets are watched by a
// Poller: a worker of it becomes the connection's reader when bytes arrive, and a
// connection that has nothing to say holds neither goroutine nor buffer. Everything
// else is a stream: a net.Conn with a reader goroutine. Either way the reader gives
// the bytes to Session.Consume, once per read. Session.Settle follows each read;
// that is where batched work is handed on.
//
// # Out
//
// Every byte for a peer goes through its Queue, in the order caused. Readers of
// other connections encode messages into a private Stage and Commit it to the
// Queue as a whole, with the record of which subscription each byte range is for;
// subscriptions that have ended meanwhile lose their bytes there, under the lock,
// so that nothing follows the PONG after an UNSUB. Flush sends what is queued:
// from the caller as far as the socket takes it at once, and from a worker when it
// takes more; for a stream, from a writer goroutine that lives as long as there is
// something to write.
//
// # Codecs
//
// From some moment on what is sent may be sealed by a Codec, such as compressed, and what
// is received opened: whoever writes seals each batch as a whole, and the reader opens a
// frame at a time. Connections without one do not notice that there are any.
//
// # Ownership
//
// A Conn's input state belongs to its reader. Queue.mu guards the queue, the Taps
// of the subscriptions that it serves, and is innermost: nothing is called under it
// but system calls that do not wait. The batch being written belongs to whoever set
// Queue.flushing. Conn.Close may be called from anywhere, but not with locks held.
package conn
