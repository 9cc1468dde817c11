package event

import "time"

// Fence is what a call does to the erasure fence of its person, which keeps calls of earlier events from bringing back
// what was deleted.
type Fence uint8

// What a call does to a fence. Most calls have to pass it.
const (
	PassFence     Fence = iota // it is sent unless a fence holds it
	DeleteFence                // it raises the fence, which a later event may lift
	SuppressFence              // it raises the fence, which stands until the person is unsuppressed
	LiftFence                  // it lifts the fence of a suppression
)

// About tells whom a call is about, and when its event happened.
type About struct {
	// Persons are the identifiers of persons that the call names or sets, each with its kind before it, such as
	// email:ann@example.com, and in the one form under which Customer.io compares it. Of a call that raises a fence
	// they are all that the rule names, not only the one that is sent.
	Persons []string
	Origin  Origin    // of the event's message
	Time    time.Time // of the event; that of its message where it tells none; zero where neither is known
	Stored  time.Time // the broker's time of the message; zero where it has none
}
