package mapping_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

func TestInspect(t *testing.T) {
	rules, err := mapping.Compile(mapping.Config{OnUnmatched: mapping.DeadLetter, Topics: []mapping.Topic{
		{Name: "billing", Envelope: mapping.Envelope{
			Type: mapping.Term{Program: ".kind"}, Time: mapping.Term{Program: ".at"}, ID: mapping.Term{Program: ".no"},
		}},
		{Name: "cloud", Envelope: mapping.Envelope{Name: "cloudevents"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	recorded := time.UnixMilli(1_790_000_000_123)
	happened := time.UnixMilli(1_793_527_200_000)
	for _, c := range []struct {
		topic, value string
		want         mapping.Event
		reason       event.Reason
	}{
		{"billing", `{"kind":"paid","at":"2026-11-01T10:00:00Z","no":7}`,
			mapping.Event{Type: "paid", Time: happened, ID: "7"}, ""},
		{"billing", `{"kind":"paid"}`, mapping.Event{Type: "paid", Time: recorded}, ""},
		{"cloud", `{"type":"paid","id":"a","source":"s"}`, mapping.Event{Type: "paid", Time: recorded, ID: "a"}, ""},
		{"other", `{"type":"paid","time":1793527200}`, mapping.Event{Type: "paid", Time: happened}, ""},
		{"billing", `{"type":"paid"}`, mapping.Event{}, event.ReasonNoType},
		{"billing", `{"kind":"paid","at":"soon"}`, mapping.Event{}, event.ReasonInvalidValue},
		{"billing", `{"kind":"paid","no":1.5}`, mapping.Event{}, event.ReasonInvalidValue},
		{"cloud", `{"type":"paid","id":"a"}`, mapping.Event{}, event.ReasonMissingField},
		{"other", `null`, mapping.Event{}, event.ReasonUndecodable},
	} {
		got, err := rules.Inspect(event.Message{Origin: event.Origin{Topic: c.topic}, Value: []byte(c.value),
			Time: recorded}, 0)
		var refused *mapping.EnvelopeError
		if errors.As(err, &refused) != (c.reason != "") || refused != nil && refused.Reason != c.reason {
			t.Errorf("%s: %v, want %q", c.value, err, c.reason)
		}
		if got.Type != c.want.Type || got.ID != c.want.ID || !got.Time.Equal(c.want.Time) {
			t.Errorf("%s: %+v, want %+v", c.value, got, c.want)
		}
	}
}
