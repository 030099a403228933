package conn

// Reason is why a connection ended.
type Reason uint32

// The reasons that exist so far, named as reports name them (spec:
// client-protocol 20).
const (
	Open Reason = iota // not closed
	ClientClosed
	AuthenticationTimeout
	AuthenticationViolation
	SlowConsumerPending
	SlowConsumerDeadline
	WriteError
	ReadError
	ParseError
	StaleConnection
	ProtocolViolation
	BadClientProtocolVersion
	MaxConnectionsExceeded
	MaxPayloadExceeded
	MaxControlLineExceeded
	ServerShutdown
	NoRespondersRequiresHeaders
	MaxAccountConnectionsExceeded
	MaxSubscriptionsExceeded
	InternalError
	TLSHandshakeError
	WrongPort
	WrongGateway
	MissingAccount
	DuplicateRoute
	RouteRemoved
	ClusterNameConflict
	DuplicateServerName
)

var reasonTexts = [...]string{
	Open:                          "Open",
	ClientClosed:                  "Client Closed",
	AuthenticationTimeout:         "Authentication Timeout",
	AuthenticationViolation:       "Authentication Failure",
	SlowConsumerPending:           "Slow Consumer (Pending Bytes)",
	SlowConsumerDeadline:          "Slow Consumer (Write Deadline)",
	WriteError:                    "Write Error",
	ReadError:                     "Read Error",
	ParseError:                    "Parse Error",
	StaleConnection:               "Stale Connection",
	ProtocolViolation:             "Protocol Violation",
	BadClientProtocolVersion:      "Bad Client Protocol Version",
	MaxConnectionsExceeded:        "Maximum Connections Exceeded",
	MaxPayloadExceeded:            "Maximum Message Payload Exceeded",
	MaxControlLineExceeded:        "Maximum Control Line Exceeded",
	ServerShutdown:                "Server Shutdown",
	NoRespondersRequiresHeaders:   "No Responders Requires Headers",
	InternalError:                 "Unknown State",
	TLSHandshakeError:             "TLS Handshake Failure",
	MaxAccountConnectionsExceeded: "Maximum Account Connections Exceeded",
	MaxSubscriptionsExceeded:      "Maximum Subscriptions Exceeded",
	WrongPort:                     "Incorrect Port",
	WrongGateway:                  "Wrong Gateway",
	MissingAccount:                "Missing Account",
	DuplicateRoute:                "Duplicate Route",
	RouteRemoved:                  "Route Removed",
	ClusterNameConflict:           "Cluster Name Conflict",
	DuplicateServerName:           "Duplicate Server Name",
}

func (r Reason) String() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r]
	}
	return "Unknown State"
}

// final reports whether what is queued is still sent before the socket closes.
// Where the socket or its peer has failed there is no point.
func (r Reason) final() bool {
	switch r {
	case ReadError, WriteError, SlowConsumerPending, SlowConsumerDeadline, TLSHandshakeError:
		return false
	}
	return true
}

// Verdict is the error with which a Session ends its connection.
type Verdict struct {
	Line   string // what the peer is told, a whole protocol line; "" = nothing
	Reason Reason
	Log    string // what the operator is told; "" = nothing
	Quiet  bool   // at debug level, not as an error
}

func (v *Verdict) Error() string { return v.Reason.String() + ": " + v.Log }
