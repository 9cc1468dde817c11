// Package matches remembers when each rule of a bridge last matched an event. Nothing here starts a goroutine; the lock
// of Seen is held for one look. Begin with Seen.Look.
package matches
