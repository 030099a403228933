// Package client is the session of ordinary clients: CONNECT, SUB, UNSUB, publish,
// and what they are told in return (spec: client-protocol).
//
// The Hub knows all sessions of a server and what they have in common. A Session
// belongs to the reader of its connection; only its table of subscriptions, which
// other readers change when a subscription has taken its last message, is behind
// a mutex. Bytes go out through the Sender's stage of the connection itself, so
// that everything one reader causes leaves in the order caused; only unsolicited
// lines (INFO, server pings) are queued directly.
package client
