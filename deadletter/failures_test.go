package deadletter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// A record of before there were several failures is read as it always was.
func TestARecordOfOneFailureIsAsItWas(t *testing.T) {
	l := lettertest.Failed(1)
	r := Encode(&l, lettertest.Time, "hash")
	if _, ok := r.header(headerFailures); ok || len(r.Headers) != 2+letterHeaders {
		t.Errorf("one failure has the headers %v", r.Headers)
	}
	text := `{"time":"2026-03-04T05:06:07Z","key":"k","headers":[{"name":"a\u003c","value":"\u003e"},` +
		`{"name":"b","value64":"/w=="}],"value":"\u003c\u0026"}`
	got, err := ParseJSON([]byte(text))
	if err != nil || string(got.Value) != "<&" || got.Headers[0].Key != "a<" || string(got.Headers[1].Value) != "\xff" {
		t.Errorf("%+v, %v", got, err)
	}
}

// Failures that make a record too large are divided among a few records with the whole message; when those are too
// many, or the message itself is too large, it is cut, and no failure is lost.
func TestFailuresThatDoNotFit(t *testing.T) {
	const limit = 20_000
	for name, c := range map[string]struct {
		value, failures, differing int
		records                    int
		cut                        bool
	}{
		"all fit":                     {10_000, 100, 0, 1, false},
		"two parts":                   {17_000, 80, 0, 2, false},
		"too many parts":              {17_900, 200, 0, 1, true},
		"failures over the limit":     {1_000, 1_500, 0, 4, false},
		"far over the limit":          {1_000, longtest.Either(5_000, 20_000), 0, longtest.Either(16, 64), false},
		"cut, and over the limit":     {50_000, 2_000, 0, 4, true},
		"different texts":             {1_000, 40, 1_000, 4, false},
		"a message that is too large": {50_000, 1, 0, 1, true},
	} {
		l := lettertest.WithFailures(lettertest.Failed(1), c.failures)
		for i := range l.Failures {
			l.Failures[i].ID = event.ID{1, byte(i >> 16), byte(i >> 8), byte(i)}
			if c.differing > 0 {
				l.Failures[i].Detail = fmt.Sprint(i) + strings.Repeat("x", c.differing)
			}
		}
		l.Message.Value = bytes.Repeat([]byte("v"), c.value)
		r := Encode(&l, lettertest.Time, "hash")
		records, err := Fit(r, limit, (*Record).Size)
		if err != nil {
			t.Fatal(name, err)
		}
		var all []event.Failure
		for _, r := range records {
			letters, _, err := Decode(r)
			if err != nil || r.Size() > limit || (letters[0].Truncated != nil) != c.cut ||
				letters[0].EventID != EventID(&l.Message) {
				t.Fatalf("%s: a record of %d bytes, %v, %v", name, r.Size(), letters, err)
			}
			if !c.cut && len(letters[0].Message.Value) != c.value {
				t.Errorf("%s: %d bytes of value", name, len(letters[0].Message.Value))
			}
			for _, l := range letters {
				all = append(all, l.Failure)
			}
		}
		if len(records) > c.records || len(records) < (c.records+1)/2 || !slices.Equal(all, l.Failures) {
			t.Errorf("%s: %d records of %d failures", name, len(records), len(all))
		}
	}
}

// What a letter takes on disk is at most twice its text: `<` and what else HTML escapes is written as it is.
func TestALineIsNotMuchLongerThanItsRecord(t *testing.T) {
	for name, unit := range map[string]string{"markup": "<>&", "quotes": `"\`, "control": "\x01",
		"mixed": "a\n\x02b<é", "binary": "\xff", "separators": "\u2028"} {
		l := lettertest.Failed(1)
		l.Message.Value = bytes.Repeat([]byte(unit), 100_000/len(unit))
		l.Message.Key = l.Message.Value[:1000]
		l.Message.Headers = append(l.Message.Headers, event.Header{Key: unit, Value: l.Message.Value[:1000]})
		r := Encode(&l, lettertest.Time, "hash")
		text := AppendJSON(nil, &r)
		if len(text) > 2*r.Size()+1_000 || !json.Valid(text) {
			t.Errorf("%s: %d bytes for %d", name, len(text), r.Size())
		}
		if name == "markup" && len(text) > r.Size()+1_000 {
			t.Errorf("%s: %d bytes for %d", name, len(text), r.Size())
		}
		got, err := ParseJSON(text)
		if err != nil || !bytes.Equal(got.Value, r.Value) || !bytes.Equal(got.Key, r.Key) ||
			!slices.EqualFunc(got.Headers, r.Headers, func(a, b event.Header) bool {
				return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
			}) {
			t.Errorf("%s: came back as %+v, %v", name, got, err)
		}
	}
}

// The failures of the events of one record keep the numbers of those, and fail alike in one group.
func TestFailuresOfSeveralEvents(t *testing.T) {
	l := lettertest.WithFailures(lettertest.Failed(1), 6)
	for i, item := range []int{3, 1, 4, 4, 0, 7} {
		l.Failures[i].Item = item
	}
	l.Failures[5].Detail = "another"
	r := Encode(&l, lettertest.Time, "")
	if text, _ := r.header(headerFailures); bytes.Count(text, []byte(`"ids"`)) != 3 {
		t.Errorf("the failures are not in three groups: %s", text)
	}
	letters, _, err := Decode(r)
	if err != nil || len(letters) != 6 {
		t.Fatal(len(letters), err)
	}
	for i := range letters {
		if got, want := letters[i].Failure, l.Failures[i]; got.Item != want.Item || !SameFailure(want, got) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if len(letters[i].Message.Headers) != 2 {
			t.Errorf("headers of the bridge's own are left: %v", letters[i].Message.Headers)
		}
	}
	for _, bad := range []string{`[{"ids":["` + lettertest.ID(1).String() + `"],"items":[0],"reason":"refused",` +
		`"first":"2026-01-01T00:00:00Z"}]`, `[{"ids":[],"items":[1],"reason":"refused","first":"2026-01-01T00:00:00Z"}]`} {
		if _, err := decodeFailures([]byte(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// Letters of one event are inspected once, and each event of a record for itself.
func TestTheEventsOfARecordAreInspected(t *testing.T) {
	l := lettertest.WithFailures(lettertest.Failed(2), 4)
	for i := range l.Failures {
		l.Failures[i].Item = i/2 + 1
	}
	log := memory{Encode(&l, lettertest.Time, "")}
	inspected := 0
	got := listed(t, log, Filter{Types: []string{"even"}, Inspect: func(m event.Message, item int) (string, time.Time,
		error) {
		inspected++
		return []string{"even", "odd"}[item%2], m.Time, nil
	}})
	if inspected != 2 || len(got) != 2 {
		t.Errorf("inspected %d times, %d letters", inspected, len(got))
	}
}

// Letters of one record have one event, which is inspected once.
func TestAnEventIsInspectedOnce(t *testing.T) {
	l := lettertest.WithFailures(lettertest.Failed(2), 50)
	other := lettertest.Failed(3)
	log := memory{Encode(&l, lettertest.Time, ""), Encode(&other, lettertest.Time, "")}
	log[1].Position.Offset = 1
	inspected := 0
	got := listed(t, log, Filter{Types: []string{"even"}, Inspect: func(m event.Message, _ int) (string, time.Time,
		error) {
		inspected++
		return []string{"even", "odd"}[m.Origin.Offset%2], m.Time, nil
	}})
	if inspected != 2 || len(got) != 50 {
		t.Errorf("inspected %d times, %d letters", inspected, len(got))
	}
}
