// Package lettertest makes failed messages, and servers to keep them, for the tests of dead letters.
package lettertest
