//go:build !race

package interest_test

const raceEnabled = false
