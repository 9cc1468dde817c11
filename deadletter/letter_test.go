package deadletter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

func TestALetterCarriesEachHeaderOnce(t *testing.T) {
	l := lettertest.Failed(7)
	now := lettertest.Time.Add(time.Hour)
	r := Encode(&l, now, "hash-1")
	want := map[string]string{
		"trace":                                 "canary-2",
		"ciobridge-letter":                      l.Failures[0].ID.String(),
		"ciobridge-reason":                      "refused",
		"ciobridge-field":                       "data.total",
		"ciobridge-detail":                      "not a number",
		"ciobridge-stage":                       "delivery",
		"ciobridge-rule":                        "order",
		"ciobridge-call":                        "track:order_completed",
		"ciobridge-attempts":                    "1",
		"ciobridge-status":                      "207",
		"ciobridge-event-id":                    EventID(&l.Message).String(),
		"ciobridge-first-failed-at":             "2026-03-04T05:06:07.891011121Z",
		"ciobridge-config-hash":                 "hash-1",
		"ciobridge-origin":                      "shop.orders/1@7 1772600774.891011121",
		"__connect.errors.topic":                "shop.orders",
		"__connect.errors.partition":            "1",
		"__connect.errors.offset":               "7",
		"__connect.errors.stage":                "TASK_PUT",
		"__connect.errors.exception.class.name": "ciobridge.refused",
		"__connect.errors.exception.message":    "data.total: not a number",
	}
	got := map[string]string{}
	for _, h := range r.Headers {
		if got[h.Key] = string(h.Value); IsOwnHeader(h.Key) {
			canarytest.Text(t, h.Key, got[h.Key])
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("headers:\n got %v\nwant %v", got, want)
	}
	if len(r.Headers) != 2+letterHeaders {
		t.Errorf("%d headers, want the two of the record and %d", len(r.Headers), letterHeaders)
	}
	if !bytes.Equal(r.Key, l.Message.Key) || !bytes.Equal(r.Value, l.Message.Value) || !r.Time.Equal(now) {
		t.Errorf("the record changed: %+v", r)
	}
}

func TestALetterOfALetterDoesNotGrow(t *testing.T) {
	first := lettertest.Failed(7)
	r := Encode(&first, lettertest.Time, "hash-1")
	second := lettertest.Failed(8)
	second.Message.Key, second.Message.Value, second.Message.Headers = r.Key, r.Value, r.Headers
	again := Encode(&second, lettertest.Time, "hash-2")
	if len(again.Headers) != len(r.Headers) {
		t.Errorf("%d headers became %d", len(r.Headers), len(again.Headers))
	}
	l, _, err := Decode(again)
	if err != nil || len(l) != 1 || l[0].ID() != second.Failures[0].ID || len(l[0].Message.Headers) != 2 {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestTextsForPeopleAreOneBoundedLine(t *testing.T) {
	l := lettertest.Failed(1)
	l.Failures[0].Detail = "bad\r\nX: y\x00 \xff " + strings.Repeat("ü", 5000)
	l.Failures[0].First = time.Time{}
	r := Encode(&l, lettertest.Time, "")
	letters, _, err := Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	got := letters[0]
	d := got.Failure.Detail
	if len(d) > maxDetail || strings.ContainsAny(d, "\r\n\x00") || !strings.HasPrefix(d, "bad  X: y  \uFFFD ü") ||
		!strings.HasSuffix(d, "ü") {
		t.Errorf("detail is %q", d)
	}
	if !got.Failure.First.Equal(lettertest.Time) {
		t.Errorf("a failure without a time failed at %s, want now", got.Failure.First)
	}
}

func TestEventIDTellsEventsApart(t *testing.T) {
	base := lettertest.Failed(1).Message
	header := func(key, value string) event.Header { return event.Header{Key: key, Value: []byte(value)} }
	base.Headers = append(base.Headers, header("a", "1"))
	t1, t2, a := base.Headers[0], base.Headers[1], base.Headers[2]
	headers := func(h ...event.Header) func(*event.Message) { return func(m *event.Message) { m.Headers = h } }
	changes := map[string]func(m *event.Message){
		"nothing":   func(*event.Message) {},
		"key":       func(m *event.Message) { m.Key = []byte("x") },
		"no key":    func(m *event.Message) { m.Key = nil },
		"empty key": func(m *event.Message) { m.Key = []byte{} },
		"topic":     func(m *event.Message) { m.Origin.Topic = "other" },
		"subject":   func(m *event.Message) { m.Origin.Subject = "s" },
		"partition": func(m *event.Message) { m.Origin.Partition++ },
		"offset":    func(m *event.Message) { m.Origin.Offset++ },
		"time":      func(m *event.Message) { m.Time = m.Time.Add(1) },
		"no time":   func(m *event.Message) { m.Time = time.Time{} },
		"value":     func(m *event.Message) { m.Value = []byte("x") },
		"empty":     func(m *event.Message) { m.Value = []byte{} },
		"tombstone": func(m *event.Message) { m.Value = nil },
		"swapped":   func(m *event.Message) { m.Key, m.Value = m.Value, m.Key },

		// The same: a store need not keep the order of different names, and adds headers of the bridge's own.
		"same: other order": headers(a, t1, t2),
		"same: in between":  headers(t1, a, t2),
		"same: own headers": headers(header(headerRule, "x"), t1, t2, header(connectTopic, "y"), a,
			header(HeaderKey, "z")),

		"order of a name": headers(t2, t1, a),
		"no headers":      headers(),
		"one less":        headers(t1, t2),
		"one twice":       headers(t1, t1, t2, a),
		"header value":    headers(t1, t2, header("a", "2")),
		"header name":     headers(t1, t2, header("b", "1")),
		"header empty":    headers(t1, t2, header("a", "")),
		"header null":     headers(t1, t2, event.Header{Key: "a"}),
		"another border":  headers(t1, t2, header("a1", "")),
		"letter case":     headers(t1, t2, header("A", "1")),
	}
	seen := map[event.ID]string{}
	for name, change := range changes {
		m := base
		change(&m)
		id := EventID(&m)
		if name == "nothing" || strings.HasPrefix(name, "same: ") {
			if id != EventID(&base) {
				t.Errorf("%s changes the identity", name)
			}
			continue
		}
		if other, ok := seen[id]; ok || id == EventID(&base) {
			t.Errorf("%s gives the identity of %q", name, other)
		}
		seen[id] = name
	}
	id := EventID(&base)
	if got := int64(binary.BigEndian.Uint64(id[:8]) >> 16); got != base.Time.UnixMilli() {
		t.Errorf("the ULID's time is %d, want that of the record, %d", got, base.Time.UnixMilli())
	}
}

func TestOriginsComeBack(t *testing.T) {
	times := []time.Time{{}, lettertest.Time, time.Unix(-1, 5).UTC(), time.Unix(1<<50, 0).UTC()}
	for _, o := range []event.Origin{
		{}, {Topic: "a", Partition: 3, Offset: 1 << 60}, {Topic: "S", Subject: "a.b c/d@e%"},
		{Topic: "x/1@2 -", Offset: -1}, {Topic: "é\n"},
	} {
		for _, at := range times {
			got, gotAt, err := parseOrigin(formatOrigin(o, at))
			if err != nil || got != o || !gotAt.Equal(at) {
				t.Errorf("%q came back as %+v %s, %v", formatOrigin(o, at), got, gotAt, err)
			}
		}
	}
	for _, bad := range []string{"", "a/1@2", "a/1@2 -  ", "a1@2 -", "a/1 -", "a/x@1 -", "a/1@x -", "a/1@2 1.5",
		"a/1@2 - %zz", "%zz/1@2 -", "a/1@2 x.000000000"} {
		if _, _, err := parseOrigin(bad); !errors.Is(err, errOrigin) {
			t.Errorf("%q gives %v", bad, err)
		}
	}
}

func TestDamagedRecordsAreNamed(t *testing.T) {
	l := lettertest.Failed(1)
	good := Encode(&l, lettertest.Time, "")
	for _, c := range []struct{ header, value, want string }{
		{headerLetter, "not an id", "ciobridge-letter"}, {headerReason, "bored", "ciobridge-reason"},
		{headerAttempts, "many", "ciobridge-attempts"}, {headerStatus, "x", "ciobridge-status"},
		{headerFirst, "yesterday", "ciobridge-first-failed-at"}, {headerOrigin, "nowhere", "ciobridge-origin"},
		{headerEventID, "", "ciobridge-event-id"}, {headerFailures, `[{"ids":["x"]}]`, "ciobridge-failures"},
		{headerTruncated, "12 34", "ciobridge-cut"},
	} {
		r := good
		r.Headers = append(withoutHeader(good.Headers, c.header), event.Header{Key: c.header, Value: []byte(c.value)})
		if _, _, err := Decode(r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q gives %v", c.header, c.value, err)
		}
	}
	for _, h := range []string{headerReason, headerDetail, headerOrigin} {
		r := good
		r.Headers = withoutHeader(good.Headers, h)
		if _, _, err := Decode(r); err == nil || !strings.Contains(err.Error(), h+": missing") {
			t.Errorf("without %s: %v", h, err)
		}
	}
	if _, _, err := Decode(Record{Value: []byte("someone else's")}); !errors.Is(err, ErrForeign) {
		t.Errorf("got %v", err)
	}
	res := EncodeResolution(&Resolution{Letters: []event.ID{lettertest.ID(1)}, Kind: "lost"}, lettertest.Time)
	if _, _, err := Decode(res); err == nil || !strings.Contains(err.Error(), headerResolution) {
		t.Errorf("got %v", err)
	}
	res = EncodeResolution(&Resolution{Kind: Discarded}, lettertest.Time)
	if _, _, err := Decode(res); err == nil || !strings.Contains(err.Error(), headerResolves) {
		t.Errorf("got %v", err)
	}
}

func withoutHeader(headers []event.Header, key string) []event.Header {
	var kept []event.Header
	for _, h := range headers {
		if h.Key != key {
			kept = append(kept, h)
		}
	}
	return kept
}

// FuzzDecode reads foreign lines: what is accepted must be written and read again as it is.
func FuzzDecode(f *testing.F) {
	l, several := lettertest.Failed(1), lettertest.WithFailures(lettertest.Failed(2), 5)
	for _, r := range []Record{
		Encode(&l, lettertest.Time, "hash"), Encode(&several, lettertest.Time, "hash"),
		EncodeResolution(&Resolution{Letters: []event.ID{lettertest.ID(1), lettertest.ID(2)}, Kind: Delivered},
			lettertest.Time),
	} {
		f.Add(AppendJSON(nil, &r))
	}
	f.Add([]byte(`{"time":"2026-01-01T00:00:00Z",` +
		`"headers":[{"name":"ciobridge-letter","value":"x"}],"value64":"/w=="}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseJSON(raw)
		if err != nil {
			return
		}
		letters, res, err := Decode(r)
		switch {
		case err != nil:
			if letters != nil || res != nil {
				t.Fatal("something came with an error")
			}
		case res == nil:
			whole := event.FailedMessage{Message: letters[0].Message}
			for _, l := range letters {
				whole.Failures = append(whole.Failures, l.Failure)
			}
			written, _, err := Decode(Encode(&whole, r.Time, letters[0].ConfigHash))
			if err != nil || len(written) != len(letters) {
				t.Fatalf("%d letters that were read are written as %d: %v", len(letters), len(written), err)
			}
			for i, l := range letters {
				again := written[i]
				if !lettertest.Same(again.Message, l.Message) || again.ID() != l.ID() ||
					again.Failure.Rule != l.Failure.Rule || !again.Failure.First.Equal(l.Failure.First) {
					t.Fatalf("changed:\n%+v\n%+v", l, again)
				}
			}
		default:
			_, again, err := Decode(EncodeResolution(res, r.Time))
			if err != nil || !reflect.DeepEqual(again.Letters, res.Letters) || again.Kind != res.Kind {
				t.Fatalf("changed: %+v, %v", again, err)
			}
		}
	})
}
