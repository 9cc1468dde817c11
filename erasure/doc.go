// Package erasure keeps persons erased: after a delete or suppress no call of an earlier event brings them back,
// whether it comes again from a retry, a dead letter or the broker.
//
// A delete or suppress that is about to be sent raises a [Fence] for each identifier that its rule names, in a [Log]
// that all replicas read: a compacted topic (erasure/kafka), a key-value bucket (erasure/jetstream) or a file
// (erasure/file). It holds no identifier, only its [Digest] under a key. Then the erasure waits until no request is on
// the wire that does not know of the fence. A [Sender] stands before the delivery and asks the fences about each call:
// what is earlier than the erasure is refused with the reason erased, and so is what is later, unless its rule revives
// the person. What is earlier is decided by the [Place] of an event.
//
// It promises that a call of an event earlier than an erasure is not handed over once Customer.io has accepted that
// erasure, as long as the call names or sets an identifier that the rule of the erasure named. It costs a digest for
// each identifier of a call once there is a fence, and nothing where it is not configured.
//
// Where the fences cannot be read for five seconds, nothing is sent: a replica that does not see them could not keep
// the promise. [Fences.Watch] is the one goroutine, which the caller starts and waits for; everything else runs in the
// goroutines of the senders. Fences.reading is taken before Fences.mu, and a log's own lock between them; nothing is
// called under Fences.mu.
//
// Begin reading with place.go and fence.go, which decide; then sender.go, and fences.go for how replicas agree.
package erasure
