// Package demo shows a whole bridge at work with nothing installed: a broker, a bridge and a local Customer.io in one
// process.
//
// [Run] takes over a folder, starts the three with a configuration that it writes there, publishes the events of
// package shop, waits until all are finished, and compares what the bridge counted with what Customer.io took and
// with what stands in the dead letters. Then it has a campaign of the local Customer.io write to people, and waits
// until what Customer.io tells of that is on the bus (told.go). At last it shows what becomes of events that somebody
// publishes, and what Customer.io tells, until its context ends.
//
// The emulator, its webhooks and the bridge run in a goroutine each, and the publishing in a further one; Run waits for
// all of them. The emulator is stopped after the bridge, which still sends while it stops. Begin reading with Run in
// demo.go; the folder and its files are in folder.go.
package demo
