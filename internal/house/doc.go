// Package house holds no code, only the tests of how the house is built: which
// package may import which, and that each of them says what it is for.
package house
