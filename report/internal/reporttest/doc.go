// Package reporttest has a Store, a Target and a Reader of reports in memory, of which any call can be the one that
// fails: before or after it took effect, or while it takes effect later.
//
// A World is what outlives processes: Customer.io, the bus and the state. A Process is one that uses it, and that can
// die. It is for tests in virtual time. An effect that comes later is a timer's; everything is behind one lock. Begin
// with World.
package reporttest
