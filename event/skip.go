package event

// Skip says why a message became neither a call nor a failure. Of the reasons of several rules, and of the events of
// one message, the last in this order counts.
type Skip uint8

// The reasons. Zero is none: the message became something, or nobody has mapped it.
const (
	SkippedNoEvent   Skip = iota + 1 // the record holds none
	SkippedNoRule                    // no rule names the event's type
	SkippedCondition                 // that of every rule which names it did not hold
	SkippedNoCall                    // a rule applied, and conditions or empty lists left no call of it
	SkippedUnsent                    // rules applied, and send nothing

	// Skips is how many values there are.
	Skips = iota + 1
)

// String is the reason as metrics have it.
func (s Skip) String() string {
	return [...]string{"", "no_event", "no_rule", "condition", "no_call", "not_sent"}[s]
}
