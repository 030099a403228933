// Package dial is what all who connect to configured addresses have in common: which
// address a URL stands for, how long to wait before another attempt, and what of a URL
// may be shown.
package dial
