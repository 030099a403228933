package winsvc

import "os"

// Control is what the service manager asks of the process.
type Control int

// The controls. An operating system's shutdown is a Stop, too.
const (
	Stop Control = iota
	Reload
	ReopenLog
	LameDuck
)

var _ os.Signal = Control(0)

// String is the name for the log.
func (c Control) String() string {
	return [...]string{"stop", "reload", "reopen", "ldm"}[c]
}

// Signal makes a Control an os.Signal.
func (Control) Signal() {}

// Codes of the service manager.
const (
	codeStop        = 1
	codeInterrogate = 4
	codeShutdown    = 5
	codeParamChange = 6
	codeReopenLog   = 128 // from here on a service defines them itself
	codeLameDuck    = 129
)

var controls = map[uint32]Control{
	codeStop:        Stop,
	codeShutdown:    Stop,
	codeParamChange: Reload,
	codeReopenLog:   ReopenLog,
	codeLameDuck:    LameDuck,
}
