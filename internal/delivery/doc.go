// Package delivery moves messages: from one parsed message to bytes in the queues
// of those who want it.
//
// A Sender is the publishing half of one connection and belongs to its reader. It
// works out once per subject who gets a message and how it begins for each of them
// (a lane), and follows the lane until the interest it was made from changes. What
// it encodes goes to a private stage per receiving queue. Commit hands the stages
// over; the session calls it before every command that is not a publish, which
// makes "PONG means queued" and "interest precedes the request that relies on it"
// true. Settle ends a read: it commits, sees to the writing and tells whether the
// publisher is to be held back, because every receiver is behind.
//
// Other servers of the cluster are receivers, too: one message goes to each, with the
// names of the queue groups for which it was chosen (link.go). What comes from another
// server takes the same way through a Sender of its own kind, and stays here.
//
// Where several receivers would get the same bytes, these are encoded once in a
// bundle and shared.
//
// The locks taken are those of an interest shard, when a lane is made, and of a
// queue, when a stage is handed over. From the choice of a queue group member to
// the hand-over the account's BeginChoice is in force; nothing waits meanwhile.
package delivery
