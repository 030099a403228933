// Package pipe is a network connection inside one process: two net.Conn ends with
// a bounded buffer per direction, for in-process clients and for tests.
//
// Unlike net.Pipe a write does not wait for a reader, only for space, so two ends
// that both write first do not lock each other up, and closing is orderly as on
// TCP: what was written before Close can still be read. Deadlines follow the
// net.Conn contract. Waiting uses sync.Cond and time.AfterFunc only, which lets
// testing/synctest run it in virtual time.
//
// Each direction is a stream with one mutex that guards all of its state; an end
// reads from one stream and writes to the other, and no two locks are ever held
// together. There are no goroutines. It does not imitate the network: no
// addresses, no reset when an end is closed with unread data, no half close.
package pipe
