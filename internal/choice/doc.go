// Package choice words what may be written in a place where only some words may stand: all of them, and the nearest to
// the one that was written. It serves everybody who reads something that people write.
package choice
