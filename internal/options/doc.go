// Package options holds the settings of a server: their meaning, defaults and
// cross-checks. An Options value is plain data; once completed it is immutable,
// and each component is handed the few settings it needs.
package options
