// Package delivery makes one attempt at one request's worth of calls and says what came of each.
//
// It owns the circuit breaker that every request passes: how fast requests may follow each other, how long the
// destination is left alone after a failure, and what is held while credentials or region are wrong. It does not
// own what is sent together, what follows whom, how often one call is tried or when it is given up; and it starts
// no goroutines.
package delivery
