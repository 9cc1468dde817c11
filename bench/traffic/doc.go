// Package traffic makes the events that the bench publishes: those of a shop, whose persons come in visits. The same
// load gives the same events. Each event carries its person and how many events that person had before, by which the
// sink finds what is lost or out of order.
package traffic
