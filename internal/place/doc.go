// Package place is where the bridge keeps what it has to remember over a restart, such as the send ledger and the state
// of reports, as a configuration names it: a topic, a bucket or a file. It has no state. Begin with Settings.
package place
