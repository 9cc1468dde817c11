package workspace

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// Activity is an entry of the activity log. It is the only place where Customer.io tells that a call which it answered
// with a 200 changed nothing.
type Activity struct {
	ID           string // a ULID
	Type         string // as Customer.io names it, such as attribute_change, event, failed_event, skipped_update
	At           int64  // unix seconds
	Person       Ref    // as the person is known now; zero for nobody
	Deleted      bool   // the person is gone
	Name         string // of an event, page or screen
	DeliveryID   string
	DeliveryType string
	Data         string // a JSON object, or empty
}

// Ref is how a person is referred to.
type Ref struct{ ID, Email, CioID string }

// activity is an entry as it is kept: what takes time to word is worded when it is asked for.
type activity struct {
	Activity
	id      ulid.ULID
	owner   *person
	changes []change
}

// keptActivities is how many entries of the log are kept. Customer.io promises those of 30 days.
const keptActivities = 10_000

// log is the activity log: a ring of the latest entries.
type log struct {
	entries []activity
	written int // entries so far
}

func (w *Workspace) log(a activity, at time.Time) {
	l := &w.activities
	if a.At == 0 {
		a.At = at.Unix()
	}
	_ = a.id.SetTime(uint64(at.UnixMilli())) // fails after the year 10889 only
	for i, n := 15, l.written; n > 0; i, n = i-1, n>>8 {
		a.id[i] = byte(n)
	}
	if len(l.entries) < keptActivities {
		l.entries = append(l.entries, a)
	} else {
		l.entries[l.written%keptActivities] = a
	}
	l.written++
}

// Activities calls each for the entries of the log, latest first, from the one before the given number on, or from the
// latest where it is 0. It stops when each returns false. The number is that of the entry itself.
func (w *Workspace) Activities(before int, each func(n int, a Activity) bool) {
	l := &w.activities
	if before <= 0 || before > l.written+1 {
		before = l.written + 1
	}
	for n := before - 1; n > 0 && n > l.written-len(l.entries); n-- {
		kept := &l.entries[(n-1)%keptActivities]
		a := kept.Activity
		a.ID = kept.id.String()
		if kept.changes != nil {
			a.Data = changed(kept.changes)
		}
		if p := kept.owner.now(); p != nil {
			a.Person, a.Deleted = p.ref(), p.gone
		}
		if !each(n, a) {
			return
		}
	}
}

// note writes to the log what a call did, or that it did nothing.
func (w *Workspace) note(d *jsondoc.Document, c *Call, owner *person, ignored string, at time.Time) {
	a := activity{owner: owner, Activity: Activity{Name: c.Name}}
	if ignored != "" {
		a.Type = failure(c, ignored)
		a.Data = `{"reason":"` + ignored + `"}`
	} else {
		a.Type = success[c.Action]
	}
	switch {
	case c.Type == "delivery", a.Type == "":
		return // reports of deliveries are noted by the delivery
	case ignored != "", c.Type != "person":
	case a.Type == "attribute_change":
		if len(w.changes) == 0 {
			return
		}
		a.changes = slices.Clone(w.changes)
		for _, change := range w.changes {
			if change.key == "unsubscribed" {
				w.reportConsent(owner.now(), strings.Trim(change.to, `"`) == "true", at)
			}
		}
	case c.Attributes != none:
		a.Data = d.Raw(c.Attributes)
	}
	if ignored == "" && c.Action != "identify" {
		a.At = c.Timestamp // an event has the time at which it happened
	}
	if c.Type == "object" && ignored == "" {
		return
	}
	w.log(a, at)
}

// success are the types of what was done, by the action.
var success = map[string]string{
	"identify": "attribute_change", "event": "event", "page": "page", "screen": "screen",
	"viewed_content": "event", "clicked_content": "event", "delete": "profile_delete",
	"suppress": "profile_delete", "merge": "profile_merge", "add_device": "device_change",
	"delete_device": "device_change", "add_relationships": "add_relationship",
	"delete_relationships": "delete_relationship",
}

// failure is the type of a call that was ignored, and empty for what Customer.io does not tell: a repeated event, and
// the removal of what is not there.
func failure(c *Call, ignored string) string {
	switch ignored {
	case Duplicate, UnknownPerson, NotSuppressed, UnknownDevice:
		if c.Type == "segment" {
			return "failed_batch_update"
		}
		return ""
	case Stale:
		return "skipped_update"
	}
	switch {
	case c.Type == "object":
		return "_o:" + strings.TrimPrefix(c.Who.Kind, "object/") + ":failed_attribute_change"
	case c.Type == "segment":
		return "failed_batch_update"
	case strings.HasSuffix(c.Action, "_relationships"):
		return "relationship_failed_attribute_change"
	case success[c.Action] == "event" || c.Action == "page" || c.Action == "screen":
		return "failed_event"
	}
	return "failed_attribute_change"
}

// change is one attribute that got another value, both as JSON; empty where there is none.
type change struct{ key, from, to string }

// changed words the changes of an identify as the log has them.
func changed(changes []change) string {
	type fromTo struct {
		From json.RawMessage `json:"from"`
		To   json.RawMessage `json:"to"`
	}
	out := make(map[string]fromTo, len(changes))
	for _, c := range changes {
		out[c.key] = fromTo{value(c.from), value(c.to)}
	}
	b, _ := json.Marshal(out) // parts of a document that was read
	return string(b)
}

func value(raw string) json.RawMessage {
	if raw == "" {
		return json.RawMessage("null")
	}
	return json.RawMessage(raw)
}
