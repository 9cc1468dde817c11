package deadletter

import (
	"errors"
	"slices"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/event"
)

// forge changes headers of a letter's record.
func forge(l event.FailedMessage, at int64, headers map[string]string) Record {
	r := Encode(&l, lettertest.Time, "")
	for i, h := range r.Headers {
		if v, ok := headers[h.Key]; ok {
			r.Headers[i].Value = []byte(v)
		}
	}
	r.Position.Offset = at
	return r
}

// A record that takes a real letter's identity for another event is foreign: the real one is sent, and the other never.
// An event is its value, its key and its headers: the type of a CloudEvent in binary mode is a header.
func TestAForgedLetterIsForeign(t *testing.T) {
	for name, change := range map[string]func(m *event.Message){
		"value":  func(m *event.Message) { m.Value = []byte(`{"n":"of somebody else"}`) },
		"key":    func(m *event.Message) { m.Key = []byte("somebody else") },
		"no key": func(m *event.Message) { m.Key = nil },
		"header": func(m *event.Message) {
			m.Headers = []event.Header{{Key: "ce_type", Value: []byte("another")}}
		},
		"one more":      func(m *event.Message) { m.Headers = append(m.Headers, event.Header{Key: "ce_type"}) },
		"without any":   func(m *event.Message) { m.Headers = nil },
		"another order": func(m *event.Message) { m.Headers = []event.Header{m.Headers[1], m.Headers[0]} },
	} {
		t.Run(name, func(t *testing.T) {
			real, other := lettertest.Failed(1), lettertest.Failed(1)
			change(&other.Message)
			forged := forge(other, 1, map[string]string{headerEventID: EventID(&real.Message).String()})
			if _, _, err := Decode(forged); !errors.Is(err, ErrForeign) {
				t.Errorf("got %v", err)
			}
			x := newIndex(nil)
			x.addRecord(forge(real, 0, nil))
			x.addRecord(forged)
			if x.unreadable != 1 || len(x.entries) != 1 {
				t.Errorf("got %+v", x)
			}
			c := x.selectLetters()
			reader := NewLetterReader(memory{forge(real, 0, nil), forged})
			if l, err := reader.Read(t.Context(), &c[0]); err != nil || !lettertest.Same(l.Message, real.Message) {
				t.Errorf("got %+v, %v", l, err)
			}
		})
	}
}

// What was cut cannot show of which event it is. It is never sent, and does not take the place of a letter that is
// whole.
func TestACutLetterTakesNoWholeOnesPlace(t *testing.T) {
	l := lettertest.Failed(1)
	whole := forge(l, 0, nil)
	again := forge(l, 1, nil)
	short, err := truncate(again, again.Size()+100, (*Record).Size) // flagged, whatever it takes
	if err != nil {
		t.Fatal(err)
	}
	x := newIndex(nil)
	x.addRecord(whole)
	x.addRecord(short)
	if c := x.selectLetters(); len(c) != 1 || c[0].entry.truncated || c[0].entry.at.Offset != 0 {
		t.Errorf("chosen are %+v", c)
	}
	x = newIndex(nil)
	x.addRecord(short)
	if c := x.selectLetters(); len(c) != 1 || !c[0].entry.truncated {
		t.Errorf("alone: %+v", c)
	}
}

// A resolution of an older version names no event and resolves the letters of its identity that stand before it.
func TestAResolutionWithoutAnEvent(t *testing.T) {
	l := lettertest.Failed(1)
	res := EncodeResolution(&Resolution{Letters: []event.ID{lettertest.ID(1)}, Kind: Delivered}, lettertest.Time)
	res.Headers = slices.DeleteFunc(res.Headers, func(h event.Header) bool { return h.Key == headerEventID })
	res.Position.Offset = 1
	for _, c := range []struct {
		log  memory
		open int
	}{{memory{forge(l, 0, nil), res}, 0}, {memory{res, forge(l, 2, nil)}, 1}} {
		if got := listed(t, c.log, Filter{All: true}); len(got) != c.open {
			t.Errorf("%d are open, want %d", len(got), c.open)
		}
		if sum, err := Stats(t.Context(), c.log); err != nil || sum.Open != c.open || sum.Open+sum.Resolved != 1 ||
			sum.Unreadable != 0 {
			t.Errorf("got %+v, %v", sum, err)
		}
	}
}
