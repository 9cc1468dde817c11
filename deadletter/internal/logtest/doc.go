// Package logtest reads logs of dead letters for tests, and holds what every store with a lock is held to.
package logtest
