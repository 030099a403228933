//go:build !windows

package winsvc

import "errors"

// Detected reports false: there are no such services.
func Detected() bool { return false }

// Run fails: there are no such services.
func Run(Process) (int, error) { return exitFailed, errors.ErrUnsupported }
