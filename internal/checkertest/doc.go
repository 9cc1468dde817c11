// Package checkertest judges a history: what producers published, what the destination received, and what went to the
// dead letters. It finds what was lost, invented, doubled or out of order, and is what every fault test of the bridge
// ends with.
//
// It knows neither brokers nor the bridge, so that it cannot share their mistakes, and it is itself tested against
// histories that are broken on purpose.
package checkertest
