//go:build !race

package perms_test

const raceEnabled = false
