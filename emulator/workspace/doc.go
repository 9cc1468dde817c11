// Package workspace is the state behind the emulator's APIs: people, objects, segments, deliveries and whatever else a
// workspace of Customer.io holds, the event ids that were seen, and the activity log.
//
// An API makes calls of what it is sent; Apply carries one out and says why it changed nothing, if so. What the App API
// shows it reads here. It grows with the number of people and objects; the memory of event ids, the activity log and
// the deliveries are bounded.
//
// People react to deliveries (reaction.go) if the owner says so: what is due happens when React is called.
//
// There are no goroutines and no locks: the owner of a Workspace serialises access. Nothing that is returned changes
// afterwards, but for Records, which are the state itself.
//
// Begin reading with Workspace and its Apply.
package workspace
