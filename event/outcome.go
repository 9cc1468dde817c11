package event

import "time"

// Result says how an attempt at a call ended.
type Result uint8

const (
	// Open means that the call is not settled and will be attempted again. It is the zero value, so that forgetting
	// to fill an outcome can cause a redelivery but never a loss.
	Open Result = iota
	// Delivered means that Customer.io has taken the call.
	Delivered
	// Refused means that Customer.io has refused this call and would refuse it again.
	Refused
)

// Outcome is what one attempt did to one call.
type Outcome struct {
	// Failure says why a call was refused or, for an open one, what the attempt met. Nil on an open outcome means
	// that no attempt was made: the call was stopped before it reached the wire, and nothing is counted against it.
	Failure *Failure
	// Answer is what the other side wrote, where the call's answer is to be published. It is nil where nobody wrote.
	Answer *Answer
	// NotBefore holds an open call back until then. Zero means that it is ready at once.
	NotBefore time.Time

	Result Result

	// Suspect is true where the whole request failed in a way that one of its calls may have caused. The call then
	// travels in requests half as large until the culprit stands alone.
	Suspect bool
	// AtFault is true where the request was refused as a whole, so that one of its calls is the cause for certain.
	// Such a call is a suspect, too.
	AtFault bool
	// MayBeSent is true for an open outcome where the attempt may have had its effect, although nothing tells so: the
	// whole request was handed over, and then came no answer, or one that does not say what was done. For most calls
	// that does not matter, because a repeat is ignored or sets the same state.
	MayBeSent bool
	// Unheard is true where a call is settled by what is known of it and not by an answer of this attempt, so that it
	// says nothing about the destination.
	Unheard bool

	// Status is the HTTP status that the attempt was answered with, and Request its number since the process began,
	// from 1. They are given where somebody asks for them, and 0 elsewhere.
	Status  uint16
	Request uint32
}

// Stage names the part of the bridge in which a call, or the row of a report, failed.
type Stage string

// The stages that can fail a call.
const (
	StageConsumer Stage = "consumer"
	StageMapping  Stage = "mapping"
	StageDelivery Stage = "delivery"
	// StageReport is that of rows of reports, which are no events and of which no call is made.
	StageReport Stage = "report"
)

// Reason says why a call failed. The set is closed: it is a metric's label and what operators filter dead letters by.
type Reason string

// The reasons, in the order in which an event meets them.
const (
	ReasonCorruptRecord Reason = "corrupt_record" // the broker's record is damaged
	ReasonUndecodable   Reason = "undecodable"    // not one strict JSON value
	ReasonNoType        Reason = "no_type"        // the envelope gives no event type
	ReasonUnmatched     Reason = "unmatched"      // no rule wants it, and on_unmatched is dead_letter
	ReasonMissingField  Reason = "missing_field"  // a required value is absent or null
	ReasonRuleError     Reason = "rule_error"     // an expression failed, ran too long or gave several values
	ReasonInvalidValue  Reason = "invalid_value"  // a value that Customer.io would refuse or ignore
	ReasonTooLarge      Reason = "too_large"      // over a size limit
	ReasonNotAllowed    Reason = "not_allowed"    // a destructive call that customerio.allow does not name
	ReasonRefused       Reason = "refused"        // Customer.io refused this call
	ReasonPoison        Reason = "poison"         // Customer.io fails on this call while it takes others
	// ReasonSendUncertain is that of a call that would count twice, and may or may not have been sent: somebody has to
	// decide.
	ReasonSendUncertain Reason = "send_uncertain"
	// ReasonTooLate is that of an event that is too old to trigger anything, where too_late says dead_letter.
	ReasonTooLate Reason = "too_late"
	// ReasonErased is that of a call whose person was deleted or suppressed: nothing was sent.
	ReasonErased Reason = "erased"
	// ReasonMalformedRow is that of a row of a report that cannot be read.
	ReasonMalformedRow Reason = "malformed_row"
)

// Reasons lists every reason once.
func Reasons() []Reason {
	return []Reason{
		ReasonCorruptRecord, ReasonUndecodable, ReasonNoType, ReasonUnmatched, ReasonMissingField, ReasonRuleError,
		ReasonInvalidValue, ReasonTooLarge, ReasonNotAllowed, ReasonRefused, ReasonPoison,
		ReasonSendUncertain, ReasonErased, ReasonTooLate,
		ReasonMalformedRow,
	}
}

// Failure tells the story of a failed call. Detail is in the bridge's own words: texts of the server and of the
// expression engine may quote personal data and are never kept.
type Failure struct {
	ID       ID // of the failed call, or of the event where no call could be made
	Stage    Stage
	Reason   Reason
	Rule     string // empty where the event failed before any rule
	Call     string // the Step's Call; empty where the rule failed before its calls
	Item     int    // the number of the event among those of its message, from 1; 0 where that is one event
	Field    string // where in the rule or in the call, such as attributes.plan
	Detail   string
	Status   int       // the HTTP status, 0 where there was none
	Attempts int       // attempts that reached the wire
	First    time.Time // when the call first failed; zero means now
	Rules    string    // the hash of the rules that mapped the message; empty where none did

	// Persons are the digests of all identifiers of persons whom the failure's event concerns, with blanks between;
	// empty where they are not known, or nobody has configured a key.
	Persons string
}

// FailedMessage is a message together with every failure that belongs to it, of which there is at least one. It is
// what the pipeline hands over to be kept as a dead letter. In the log each failure is a letter of its own, which
// is listed, replayed and resolved under its own ID.
type FailedMessage struct {
	Message  Message
	Failures []Failure
	Original Original // where Message is a repaired copy
	Calls    []Call   // that were made of Message, as far as they are known; they are not kept
}

// Original names what a repaired copy of a message stands for. Its zero value is that of a message that nobody changed.
type Original struct {
	Letter ID // which was repaired
	Event  ID // of that letter, as package deadletter computes it
}

// IsZero reports whether nothing was repaired.
func (o Original) IsZero() bool { return o == Original{} }
