package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// state renders people in a short form: id,email,phone attributes events.
func state(s *Server) string {
	var out []string
	for _, p := range s.People() {
		attributes, _ := json.Marshal(p.Attributes)
		line := fmt.Sprintf("%s,%s,%s %s %d", p.ID, p.Email, p.Phone, attributes, p.Events)
		if len(p.AnonymousIDs) > 0 {
			line += " " + strings.Join(p.AnonymousIDs, "+")
		}
		if p.Suppressed {
			line += " suppressed"
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func op(action, identifiers, rest string) string {
	return fmt.Sprintf(`{"type":"person","action":%q,"identifiers":{%s}%s}`, action, identifiers, rest)
}

func set7(attributes string) string {
	return op("identify", `"id":"7"`, `,"attributes":{`+attributes+`}`)
}

// Each row is a history, why each of its calls was ignored, and the people at its end.
var histories = []struct {
	name    string
	items   []string
	ignored string
	people  string
}{
	{"the last write wins, null and the empty string remove",
		[]string{set7(`"a":1,"b":"x","c":true`), set7(`"a":2,"b":null,"c":""`)}, ",", `7,, {"a":2} 0`},
	{"an event makes its person", []string{event("7", 1)}, "", `7,, {} 1`},
	{"identifiers set as attributes",
		[]string{set7(`"email":"A@Example.com","phone":"+123"`),
			op("event", `"email":"a@EXAMPLE.com"`, `,"name":"n"`), op("event", `"phone":"+123"`, `,"name":"n"`)}, ",,",
		`7,a@example.com,+123 {} 2`},
	{"an unknown id beside a known e-mail", []string{op("identify", `"email":"a@b.c"`, ""), set7(`"email":"a@b.c"`)},
		",", `7,a@b.c, {} 0`},
	{"the e-mail of somebody with another id", []string{op("identify", `"id":"8"`, `,"attributes":{"email":"a@b.c"}`),
		set7(`"email":"a@b.c","x":1`)},
		",identifier_conflict", `8,a@b.c, {} 0`},
	{"two profiles that complete each other become the older",
		[]string{op("identify", `"email":"a@b.c"`, `,"attributes":{"x":1,"y":1}`), event("7", 1),
			set7(`"email":"a@b.c","y":2`)},
		",,", `7,a@b.c, {"x":1,"y":2} 1`},
	{"the older has the id", []string{event("7", 1), op("identify", `"email":"a@b.c"`, `,"attributes":{"y":1}`),
		op("identify", `"email":"a@b.c"`, `,"attributes":{"id":"7","y":2}`)},
		",,", `7,a@b.c, {"y":2} 1`},
	{"a set id stays", []string{set7(""), op("identify", `"id":"7"`, `,"attributes":{"id":"9"}`)},
		",identifier_conflict", `7,, {} 0`},
	{"a set id changes by cio_id", []string{set7(""), op("identify", `"cio_id":"em000001"`,
		`,"attributes":{"id":"9"}`)}, ",", `9,, {} 0`},
	{"an e-mail removed", []string{set7(`"email":"a@b.c"`), set7(`"email":null`),
		op("delete", `"email":"a@b.c"`, "")}, ",,unknown_person", `7,, {} 0`},
	{"an unknown cio_id", []string{op("identify", `"cio_id":"a1"`, ""), op("event", `"cio_id":"a1"`, `,"name":"n"`)},
		"unknown_cio_id,unknown_cio_id", ""},
	{"_update makes nobody", []string{set7(`"_update":true,"a":1`), set7(""), set7(`"_update":true,"a":1`)},
		"update_only,,", `7,, {"a":1} 0`},
	{"delete", []string{set7(`"a":1`), op("delete", `"id":"7"`, ""), op("delete", `"id":"7"`, ""), set7(`"b":1`)},
		",,unknown_person,", `7,, {"b":1} 0`},
	{"suppress and unsuppress", []string{set7(`"email":"a@b.c"`), op("suppress", `"id":"7"`, ""), event("7", 1),
		op("identify", `"email":"a@b.c"`, ""),
		op("identify", `"id":"8"`, `,"attributes":{"email":"a@b.c"}`), op("delete", `"id":"7"`, ""),
		op("unsuppress", `"id":"7"`, ""), op("unsuppress", `"id":"7"`, ""), set7("")},
		",,suppressed,suppressed,suppressed,suppressed,,not_suppressed,", `7,, {} 0`},
	{"a person suppressed who was never seen", []string{op("suppress", `"id":"7"`, ""), event("7", 1)}, ",suppressed",
		`7,, {} 0 suppressed`},
	{"merge", []string{set7(`"a":1`), op("identify", `"id":"8"`, `,"attributes":{"a":2,"b":2,"email":"b@b.c"}`),
		event("8", 1), merge("7", "8"), merge("7", "8"), op("event", `"email":"b@b.c"`, `,"name":"n"`)},
		",,,,unknown_merge_side,", `7,b@b.c, {"a":1,"b":2} 2`},
	{"merge into nobody", []string{op("identify", `"id":"8"`, ""), merge("7", "8")}, ",unknown_merge_side", `8,, {} 0`},
	{"a visitor who becomes known", []string{op("event", `"anonymous_id":"v"`, `,"name":"n"`),
		op("page", `"anonymous_id":"v"`, `,"name":"n"`), set7(`"anonymous_id":"v"`),
		op("event", `"anonymous_id":"v"`, `,"name":"n"`)},
		",,,", `7,, {} 3 v`},
	{"an anonymous id of somebody else", []string{set7(`"anonymous_id":"v"`),
		op("identify", `"id":"8"`, `,"attributes":{"anonymous_id":"v"}`)}, ",identifier_conflict", `7,, {} 0 v`},
	{"a repeated id is ignored for another person too", []string{event("7", 1), event("8", 1)}, ",duplicate",
		`7,, {} 1`},
	{"more than 300 attributes in all", []string{set7(members(300)), set7(`"k0":2`), set7(`"one_more":1`),
		set7(`"one_more":1,"k1":null`)}, ",,attribute_limit,", ""},
	{"devices", []string{op("add_device", `"id":"7"`, `,"device":{"token":"t","platform":"ios"}`),
		op("delete_device", `"id":"7"`, `,"device":{"token":"u"}`),
		op("delete_device", `"id":"7"`, `,"device":{"token":"t"}`)},
		",unknown_device,", `7,, {} 0`},
}

func merge(primary, secondary string) string {
	return fmt.Sprintf(`{"type":"person","action":"merge","primary":{"id":%q},"secondary":{"id":%q}}`, primary,
		secondary)
}

func TestHistories(t *testing.T) {
	for _, h := range histories {
		t.Run(h.name, func(t *testing.T) {
			c := start(t, Options{})
			for _, item := range h.items {
				if r := c.batch(item); r.status != 200 {
					t.Fatalf("%s: %d %s", item, r.status, r.body)
				}
			}
			var ignored []string
			for _, r := range c.s.Receipts(0) {
				ignored = append(ignored, r.Ignored)
			}
			if got := strings.Join(ignored, ","); got != h.ignored {
				t.Errorf("ignored %s\nwant    %s", got, h.ignored)
			}
			if got := state(c.s); h.people != "" && got != h.people {
				t.Errorf("people %s\nwant   %s", got, h.people)
			}
		})
	}
}

func TestStaleIdentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := &client{t: t, s: s, url: "http://track.customer.io", transport: s.Transport()}
		at := func(ts int64, v int) string {
			return op("identify", `"id":"7"`, fmt.Sprintf(`,"timestamp":%d,"attributes":{"v":%d}`, ts, v))
		}
		now := time.Now().Unix()
		c.ok(c.batch(at(now-100, 1), at(now-200, 2), at(now-100, 3)))
		if got := state(s); got != `7,, {"v":3} 0` {
			t.Errorf("equal timestamps overwrite, older ones do not: %s", got)
		}
		c.ok(c.batch(set7(`"v":4`)))
		time.Sleep(time.Hour)
		c.ok(c.batch(at(now-1, 5), op("identify", `"id":"7"`,
			fmt.Sprintf(`,"attributes":{"v":6,"_timestamp":%d}`, now-1))))
		if got := state(s); got != `7,, {"v":4} 0` {
			t.Errorf("an edit without timestamp counts as now: %s", got)
		}
		if got := c.last(); got.Ignored != "stale" || !got.Taken || got.Applied || got.Timestamp != now-1 ||
			!got.At.Equal(time.Now()) {
			t.Errorf("%+v", got)
		}
		c.ok(c.batch(event("7", 1), at(now+1, 7)))
		if got := state(s); got != `7,, {"v":7} 1` {
			t.Errorf("events of any age count, and newer edits apply: %s", got)
		}
	})
}

func TestTheOlderProfileStays(t *testing.T) {
	for _, first := range []string{op("identify", `"email":"a@b.c"`, ""), op("identify", `"id":"7"`, "")} {
		c := start(t, Options{})
		c.ok(c.batch(first, op("identify", `"email":"a@b.c"`, ""), op("identify", `"id":"7"`, ""),
			set7(`"email":"a@b.c"`)))
		if p := c.s.People(); len(p) != 1 || p[0].CioID != "em000001" || p[0].ID != "7" || p[0].Email != "a@b.c" {
			t.Errorf("%+v", p)
		}
	}
}

func TestObjectsAndRelationships(t *testing.T) {
	c := start(t, Options{})
	c.ok(c.batch(
		objectOp(`"action":"identify","attributes":{"name":"Acme","x":1},"cio_relationships":[{"identifiers":{"id":"7"},"relationship_attributes":{"role":"admin","since":1}}]`),
		objectOp(`"action":"identify","attributes":{"x":null}`),
		op("add_relationships", `"id":"7"`,
			`,"cio_relationships":[{"identifiers":{"object_type_id":"1","object_id":"acme"},"relationship_attributes":{"since":null}},{"identifiers":{"object_type_id":"2","object_id":"go"}}]`),
		objectOp(`"action":"add_relationships","cio_relationships":[{"identifiers":{"email":"B@b.c"}}]`),
	))
	people, _ := json.Marshal([]any{c.s.People()[0].Relationships, c.s.People()[1].Relationships})
	if got := string(people); got != `[{"object/1:acme":{"role":"admin"},"object/2:go":{}},{"object/1:acme":{}}]` {
		t.Error(got)
	}
	objects, _ := json.Marshal(c.s.Objects())
	if got := string(objects); got != `[{"cio_object_id":"ob000001","object_type_id":"1","object_id":"acme","attributes":{"name":"Acme"}},{"cio_object_id":"ob000003","object_type_id":"2","object_id":"go"}]` {
		t.Error(got)
	}
	c.ok(c.batch(
		op("delete_relationships", `"id":"7"`, `,"cio_relationships":[{"identifiers":{"cio_object_id":"ob000003"}}]`),
		objectOp(`"action":"delete_relationships","cio_relationships":[{"identifiers":{"email":"b@b.c"}}]`),
		`{"type":"object","action":"delete","identifiers":{"object_type_id":"1","object_id":"nobody"}}`,
	))
	if got := c.last().Ignored; got != "unknown_object" {
		t.Error(got)
	}
	if got := fmt.Sprint(c.s.People()[0].Relationships,
		c.s.People()[1].Relationships); got != "map[object/1:acme:map[role:[34 97 100 109 105 110 34]]] map[]" {
		t.Error(got)
	}
	c.ok(c.batch(objectOp(`"action":"delete"`), objectOp(`"action":"identify_anonymous","anonymous_id":"v"`)))
	if got := fmt.Sprint(c.s.People()[0].Relationships, len(c.s.People()),
		c.s.People()[2].Relationships); got != "map[] 3 map[object/1:acme:map[]]" {
		t.Error(got)
	}
}

func TestRememberedIDsAreBounded(t *testing.T) {
	c := start(t, Options{RememberIDs: 10})
	for n := range 100 {
		c.ok(c.batch(event("7", n)))
		c.ok(c.batch(event("7", max(0, n-4))))
		if n >= 4 && c.last().Ignored != "duplicate" {
			t.Fatalf("the id of 4 events ago is not known at %d", n)
		}
		if got := c.s.workspace.Remembered(); got > 10 {
			t.Fatalf("%d ids are kept", got)
		}
	}
}

func TestOldReceiptsMakeRoom(t *testing.T) {
	c := start(t, Options{KeepReceipts: 5})
	for n := range 100 {
		c.ok(c.batch(event("7", n)))
	}
	got := c.s.Receipts(0)
	if len(got) != 5 || got[0].N != 96 || got[4].N != 100 || got[4].ID != ulidOf(99) {
		t.Errorf("%+v", got)
	}
	if got := c.s.Receipts(99); len(got) != 2 || got[0].N != 99 {
		t.Errorf("%+v", got)
	}
	if got := c.s.Receipts(101); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if c.s.book.bytes > 5*300 || len(c.s.book.records) > 64 {
		t.Errorf("the book holds %d bytes in %d places", c.s.book.bytes, len(c.s.book.records))
	}
	c.s.Reset()
	if c.s.Receipts(0) != nil || len(c.s.People()) != 0 || c.s.Stats().Requests != 0 {
		t.Error("Reset left something")
	}
}
