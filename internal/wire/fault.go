package wire

import (
	"bytes"
	"fmt"
	"strconv"
)

// The texts of -ERR lines (spec: client-protocol 19). Clients compare them, case
// and all; a text they do not know makes some of them give up for good, so none
// may be invented.
const (
	ErrUnknownOp        = "Unknown Protocol Operation"
	ErrAuthorization    = "Authorization Violation"
	ErrAuthTimeout      = "Authentication Timeout"
	ErrMaxConnections   = "maximum connections exceeded"
	ErrMaxSubscriptions = "maximum subscriptions exceeded"
	ErrMaxAccountConns  = "maximum account active connections exceeded"
	ErrAccountFailed    = "Failed Account Registration"
	ErrMaxPayload       = "Maximum Payload Violation"
	ErrMaxControlLine   = "maximum control line exceeded"
	ErrClientProtocol   = "invalid client protocol"
	ErrNoRespNoHeaders  = "no responders requires headers support"
	ErrStale            = "Stale Connection"
	ErrThrottled        = "Connection throttling is active. Please try again later."
	ErrInvalidSubject   = "Invalid Subject"
	ErrInvalidPublish   = "Invalid Publish Subject"
)

// AppendErr appends the -ERR line that carries text.
func AppendErr(dst []byte, text string) []byte {
	dst = append(dst, "-ERR '"...)
	dst = append(dst, text...)
	return append(dst, "'\r\n"...)
}

// PublishViolation is the -ERR text for a subject that may not be published to.
func PublishViolation(subject []byte) string {
	return "Permissions Violation for Publish to " + strconv.Quote(string(subject))
}

// ReplyViolation is the -ERR text for a reserved reply subject.
func ReplyViolation(reply []byte) string {
	return "Permissions Violation for Publish with Reply of " + strconv.Quote(string(reply))
}

// SubscribeViolation is the -ERR text for a filter, and queue group if any, that
// may not be subscribed to.
func SubscribeViolation(filter, queue []byte) string {
	text := "Permissions Violation for Subscription to " + strconv.Quote(string(filter))
	if len(queue) > 0 {
		text += " using queue " + strconv.Quote(string(queue))
	}
	return text
}

// TooManyTokens is the -ERR text for a filter with more tokens than allowed.
func TooManyTokens(filter []byte) string {
	return "Permissions Violation for Subscription to " + strconv.Quote(string(filter)) + ", too many tokens"
}

// FaultKind says which rule of the grammar a peer broke.
type FaultKind uint8

const (
	FaultNone        FaultKind = iota
	FaultUnknownOp             // no such verb, or no CR LF after a payload
	FaultControlLine           // arguments longer than the limit
	FaultPayload               // message larger than the limit
	FaultArguments             // wrong number or form of arguments
	FaultPeerError             // the peer sent -ERR
)

// Fault describes broken grammar. Every kind ends the connection.
type Fault struct {
	Kind   FaultKind
	Detail string // for the log: what was wrong, with an excerpt
	// Payload tells that the line of a message was in order, and stands in
	// Parser.Msg, but not what follows it.
	Payload bool
}

// excerpt quotes the start of b for a log line. It stops where JSON begins, since
// that may hold secrets, however broken the line is.
func excerpt(b []byte) string {
	const most = 32
	cut := b[:min(len(b), most)]
	if at := bytes.IndexAny(cut, "{[\r\n"); at >= 0 {
		cut = cut[:at]
	}
	if len(cut) < len(bytes.TrimRight(b, "\r\n")) {
		return fmt.Sprintf("%q…", cut)
	}
	return fmt.Sprintf("%q", cut)
}
