package read

import (
	"bytes"
	"testing"
)

// FuzzAnswer proves that whatever App answers is read or refused, and that what is written of it is the same for equal
// contents.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"metric":{"series":{"sent":[1,2],"opened":null}},"start":"2026-01-01 00:00:00 +0000 UTC","next":"a"}`))
	f.Add([]byte(`{"series":{"series":{"sent":[null,1.50]}},"identifiers":[{"id":7}],"ids":["7"],"next":1}`))
	f.Add([]byte(`{"customers":[{"customer":{"b":{"z":1,"a":"\u2028<"}}}],"segments":[null],"start":1e300}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := decode("read", body)
		if err != nil {
			return
		}
		if s, err := seriesOf("read", o, messageSeries); err == nil {
			for i := range s.buckets {
				if bucket := s.bucket(i); len(bucket) < len(messageSeries) {
					t.Errorf("%d series in bucket %d", len(bucket), i)
				}
			}
		}
		_, _ = periodOf("days").aligned(parseTime(o.text("start")))
		_, _ = o.number("next")
		_ = o.people("read", func(who object) error { _ = personOf(who); return nil })
		for name := range o {
			_ = o.list("read", name, func(object) error { return nil })
		}
		first, err := canonical(o)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		again, err := canonical(first)
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s, then %s: %v", first, again, err)
		}
	})
}
