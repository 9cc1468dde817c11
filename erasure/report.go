package erasure

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// A Report tells of an erasure that Customer.io has accepted. It names nobody: persons are the digests of their
// identifiers under the configured key, so that only who has the key can look somebody up.
type Report struct {
	ID        event.ID // of the call; the same if it is told again
	Action    string   // delete or suppress
	Rule      string
	Workspace string    // from which the person was erased; empty for the first
	Persons   []string  // the digests, one for each identifier that the rule names
	At        time.Time // of the event that asked for the erasure
	Accepted  time.Time
}

// ReportType is the type of the event that a report is.
const ReportType = "ciobridge.person.erased"

// CloudEvent is the report as a CloudEvent in JSON.
func (r *Report) CloudEvent() ([]byte, error) {
	type data struct {
		Action      string    `json:"action"`
		Rule        string    `json:"rule"`
		Workspace   string    `json:"workspace,omitempty"`
		Identifiers []string  `json:"identifiers_hmac_sha256"`
		Requested   time.Time `json:"requested_at,omitzero"`
		Accepted    time.Time `json:"accepted_at"`
	}
	return cloudEvent(r.ID.String(), ReportType, r.Accepted,
		data{r.Action, r.Rule, r.Workspace, r.Persons, r.At.UTC(), r.Accepted.UTC()})
}

func cloudEvent(id, eventType string, at time.Time, data any) ([]byte, error) {
	e := cloudevent.Event{ID: id, Source: "ciobridge", Type: eventType, Time: at, Data: data}
	return e.JSON()
}
