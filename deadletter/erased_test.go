package deadletter_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// A letter that says that its person was erased holds where its event stood and nothing of it, and is closed. One of a
// message of which something else failed, too, keeps its content.
func TestLettersOfErasedPeopleHoldNothing(t *testing.T) {
	now := time.Now()
	m := event.Message{Origin: event.Origin{Topic: "t", Subject: "users.ann@x.org", Partition: 2, Offset: 7},
		Time: now.Truncate(time.Millisecond), Key: []byte("ann@x.org"), Value: []byte(`{"mail":"ann@x.org"}`),
		Headers: []event.Header{{Key: "who", Value: []byte("ann@x.org")}}}
	erased := event.Failure{ID: event.ID{15: 1}, Stage: event.StageDelivery, Reason: event.ReasonErased, Rule: "r"}
	other := event.Failure{ID: event.ID{15: 2}, Stage: event.StageDelivery, Reason: event.ReasonRefused, Rule: "r"}
	for _, c := range []struct {
		failures []event.Failure
		empty    bool
	}{
		{[]event.Failure{erased}, true}, {[]event.Failure{erased, erased}, true},
		{[]event.Failure{erased, other}, false},
	} {
		r := deadletter.Encode(&event.FailedMessage{Message: m, Failures: c.failures}, now, "hash")
		text := deadletter.AppendJSON(nil, &r)
		if bytes.Contains(text, []byte("x.org")) == c.empty {
			t.Errorf("%d failures: stored is %s", len(c.failures), text)
		}
		letters, _, err := deadletter.Decode(r)
		if err != nil || len(letters) != len(c.failures) {
			t.Fatalf("%d letters, %v", len(letters), err)
		}
		origin := m.Origin
		if c.empty {
			origin.Subject = ""
		}
		if l := letters[0]; l.Message.Origin != origin || l.EventID != deadletter.EventID(&m) ||
			(l.Truncated != nil) != c.empty {
			t.Errorf("read as %+v", l)
		}
	}
}
