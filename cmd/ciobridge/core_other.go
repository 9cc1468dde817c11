//go:build !linux

package main

// noCoreDumps does nothing where the bridge is only tried out.
func noCoreDumps() {}
