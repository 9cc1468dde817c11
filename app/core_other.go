//go:build !linux

package app

// NoCoreDumps does nothing where the bridge is only tried out.
func NoCoreDumps() {}
