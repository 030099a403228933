//go:build !linux

package main

// env exists only on Linux; see env_linux.go.
type env struct{}
