package ceiling

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// FuzzScan holds the bare program's one pass over an event to the standard library: what it accepts is JSON, and the
// members that it takes out are those that a full decode finds.
func FuzzScan(f *testing.F) {
	t := traffic.New(traffic.Load{Events: 20, Persons: 5, Size: 400})
	for _, event, ok := t.Next(); ok; _, event, ok = t.Next() {
		f.Add(append([]byte(nil), event...))
	}
	for _, s := range []string{
		`{"type":"a","data":{"customer_id":"c"}}`,
		` { "data" : { "customer_id" : "\u00e9\"" , "x":[1,-0.5e+3,{},[]] } , "type" : null } `,
		`{"type":"a","data":{"customer_id":"c"}}x`, `{"type":01,"data":{"customer_id":"c"}}`,
		`{"type":"a","data":{"customer_id":"\x"}}`, `{`, ``, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := scan(b)
		if err != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("accepted %q, which is not JSON", b)
		}
		for name, raw := range map[string][]byte{"type": got.kind, "customer_id": got.person, "data": got.data} {
			if !json.Valid(raw) {
				t.Fatalf("%s of %q is cut wrongly: %q", name, b, raw)
			}
		}
	})
}

func TestProgramsReadEveryEvent(t *testing.T) {
	for _, size := range []int{traffic.MinEventSize, 300, traffic.MaxEventSize} {
		events := traffic.New(traffic.Load{Events: 1000, Persons: 20, Size: size})
		for person, event, ok := events.Next(); ok; person, event, ok = events.Next() {
			f, err := scan(event)
			if err != nil {
				t.Fatalf("%v: %s", err, event)
			}
			if g, err := extract(event); err != nil || !reflect.DeepEqual(f, g) {
				t.Fatalf("the ceiling reads %s otherwise than the bare program: %v", event, err)
			}
			if want := `"` + traffic.CustomerID(person) + `"`; string(f.person) != want {
				t.Fatalf("person is %s, want %s", f.person, want)
			}
			if len(event) < size || len(event) > size+10 {
				t.Fatalf("an event of %d B has %d: %s", size, len(event), event)
			}
		}
	}
}
