package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func x(n int) string { return strings.Repeat("x", n) }

// members makes the inside of an object with n members.
func members(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	return strings.Join(parts, ",")
}

func personOp(rest string) string { return `{"type":"person","identifiers":{"id":"7"},` + rest + `}` }
func named(ids string) string {
	return `{"type":"person","action":"delete","identifiers":` + ids + `}`
}
func objectOp(rest string) string {
	return `{"type":"object","identifiers":{"object_type_id":"1","object_id":"acme"},` + rest + `}`
}

// Each row is one operation and what Customer.io's documentation, or the emulator's strictness, finds in it.
var operationRows = []struct{ name, item, want string }{
	{"identify", personOp(`"action":"identify","timestamp":1700000000,"attributes":{"plan":"pro","n":1.5,"x":null}`),
		""},
	{"identify without attributes", personOp(`"action":"identify"`), ""},
	{"identify with relationships",
		personOp(`"action":"identify","cio_relationships":[{"identifiers":{"object_type_id":"1","object_id":"acme"},"relationship_attributes":{"role":"admin"}}]`), ""},
	{"event", personOp(`"action":"event","name":"bought","id":"01J00000000000000000000000","timestamp":1700000000,"attributes":{"recipient":"a@example.com"}`), ""},
	{"page", personOp(`"action":"page","name":"/pricing"`), ""},
	{"screen", personOp(`"action":"screen","name":"Home"`), ""},
	{"delete", personOp(`"action":"delete"`), ""},
	{"suppress", personOp(`"action":"suppress"`), ""},
	{"unsuppress", personOp(`"action":"unsuppress"`), ""},
	{"add device", personOp(`"action":"add_device","device":{"token":"t","platform":"ios","last_used":1713484800,"attributes":{"a":"b"}}`), ""},
	{"delete device", personOp(`"action":"delete_device","device":{"token":"t"}`), ""},
	{"add relationships",
		personOp(`"action":"add_relationships","cio_relationships":[{"identifiers":{"cio_object_id":"ob1"}}]`), ""},
	{"merge", `{"type":"person","action":"merge","primary":{"id":"1"},"secondary":{"email":"b@example.com"}}`, ""},
	{"object identify", objectOp(`"action":"identify","attributes":{"name":"Acme"},"cio_relationships":[{"identifiers":{"id":"7"}}]`), ""},
	{"object identify anonymous", objectOp(`"action":"identify_anonymous","anonymous_id":"anon"`), ""},
	{"object identify anonymous by relationship",
		objectOp(`"action":"identify_anonymous","cio_relationships":[{"identifiers":{"anonymous_id":"anon"}}]`), ""},
	{"object delete", objectOp(`"action":"delete"`), ""},
	{"object relationships",
		objectOp(`"action":"delete_relationships","cio_relationships":[{"identifiers":{"email":"a@example.com"}}]`),
		""},
	{"delivery", `{"type":"delivery","action":"event","identifiers":{"id":"d"},"name":"opened","attributes":{"device_token":"t"}}`, ""},
	{"by number", named(`{"id":42}`), ""},
	{"by phone", named(`{"phone":"+14155552671"}`), ""},
	{"by cio_id", named(`{"cio_id":"a3000001"}`), ""},
	{"event of a visitor", `{"type":"person","action":"event","identifiers":{"anonymous_id":"a"},"name":"n"}`, ""},

	{"no type", `{"action":"event"}`, "required|type|must be one of delivery, object or person"},
	{"wrong type", `{"type":"thing","action":"event"}`, "invalid|type|must be one of delivery, object or person"},
	{"object without action", objectOp(`"attributes":{}`),
		"required|action|must be one of add_relationships, delete, delete_relationships, identify or " +
			"identify_anonymous"},
	{"content that a visitor saw", `{"type":"person","action":"viewed_content","identifiers":{"anonymous_id":"a"},` +
		`"name":"viewed_content","timestamp":1700000000,"attributes":{"contentId":7}}`, ""},
	{"content that was clicked", personOp(`"action":"clicked_content","name":"clicked_content"`), ""},
	{"content without a name", personOp(`"action":"clicked_content"`), "required|name|is required"},
	{"undocumented action", personOp(`"action":"watched_content"`),
		"invalid|action|must be one of add_device, add_relationships, delete, delete_device, delete_relationships, " +
			"event, identify, merge, page, screen, suppress or unsuppress"},
	{"not an object", `7`, "invalid||must be an object"},
	{"v1 name of a field", personOp(`"action":"event","name":"n","data":{}`),
		"invalid|data|is not a field of this operation"},
	{"field of another operation", personOp(`"action":"delete","timestamp":1700000000`),
		"invalid|timestamp|is not a field of this operation"},

	{"no identifiers", `{"type":"person","action":"delete"}`, "required|identifiers|is required"},
	{"empty identifiers", named(`{}`), "required|identifiers|must be exactly one of id, email, phone or cio_id"},
	{"two identifiers", named(`{"id":"7","email":"a@example.com"}`),
		"invalid|identifiers|must be exactly one of id, email, phone or cio_id"},
	{"identifiers not an object", named(`"7"`), "invalid|identifiers|must be an object"},
	{"unknown identifier", named(`{"user_id":"7"}`),
		"invalid|identifiers.user_id|is not an identifier; must be exactly one of id, email, phone or cio_id"},
	{"null id", named(`{"id":null}`), "invalid|identifiers.id|must be a string or a number"},
	{"float id", named(`{"id":7.5}`), "invalid|identifiers.id|must be a string or a number"},
	{"boolean id", named(`{"id":true}`), "invalid|identifiers.id|must be a string or a number"},
	{"empty id", named(`{"id":""}`), "required|identifiers.id|cannot be blank"},
	{"id with NUL", named(`{"id":"a\u0000"}`), "invalid|identifiers.id|cannot contain control characters"},
	{"id of 150 bytes", named(`{"id":"` + x(150) + `"}`), ""},
	{"id of 151 bytes", named(`{"id":"` + x(151) + `"}`), "invalid|identifiers.id|cannot be longer than 150 bytes"},
	{"id of 76 letters of two bytes", named(`{"id":"` + strings.Repeat("é", 76) + `"}`),
		"invalid|identifiers.id|cannot be longer than 150 bytes"},
	{"bad email", named(`{"email":"nobody"}`), "invalid|identifiers.email|'nobody' is not a valid email address"},
	{"bad phone", named(`{"phone":"0611223344"}`),
		"invalid|identifiers.phone|'0611223344' is not a phone number in E.164 format"},
	{"long phone", named(`{"phone":"+1234567890123456"}`),
		"invalid|identifiers.phone|'+1234567890123456' is not a phone number in E.164 format"},
	{"cio_id with prefix", named(`{"cio_id":"cio_a3000001"}`),
		"invalid|identifiers.cio_id|must not have the prefix cio_"},
	{"visitor deleted", named(`{"anonymous_id":"a"}`),
		"invalid|identifiers.anonymous_id|identifies the person of an event, page or screen only"},

	{"attributes not an object", personOp(`"action":"identify","attributes":[]`),
		"invalid|attributes|must be an object"},
	{"300 attributes", personOp(`"action":"identify","attributes":{` + members(300) + `}`), ""},
	{"301 attributes", personOp(`"action":"identify","attributes":{` + members(301) + `}`),
		"invalid|attributes|cannot have more than 300 attributes"},
	{"name of 150 bytes", personOp(`"action":"identify","attributes":{"` + x(150) + `":1}`), ""},
	{"name of 151 bytes", personOp(`"action":"identify","attributes":{"` + x(151) + `":1}`),
		"invalid|attributes|attribute name cannot be longer than 150 bytes"},
	{"value of 1000 bytes", personOp(`"action":"identify","attributes":{"a":"` + x(1000) + `"}`), ""},
	{"value of 1001 bytes", personOp(`"action":"identify","attributes":{"a":"` + x(1001) + `"}`),
		"invalid|attributes.a|property value cannot be longer than 1000 bytes"},
	{"value that is long only as it is escaped",
		personOp(`"action":"identify","attributes":{"a":"` + strings.Repeat(`\u0041`, 1000) + `"}`), ""},
	{"nested value of 1001 bytes", personOp(`"action":"identify","attributes":{"a":["` + x(997) + `"]}`),
		"invalid|attributes.a|property value cannot be longer than 1000 bytes"},
	{"immutable attribute", personOp(`"action":"identify","attributes":{"cio_id":"x"}`),
		"invalid|attributes.cio_id|is set by Customer.io and cannot be changed"},
	{"relationships among the attributes", personOp(`"action":"identify","attributes":{"cio_relationships":[]}`),
		"invalid|attributes.cio_relationships|belongs beside the attributes, not among them"},
	{"created_at in words", personOp(`"action":"identify","attributes":{"created_at":"2024-01-01"}`),
		"invalid|attributes.created_at|must be a unix timestamp in seconds"},
	{"_update in words", personOp(`"action":"identify","attributes":{"_update":"yes"}`),
		"invalid|attributes._update|must be a boolean"},
	{"preferences in words", personOp(`"action":"identify","attributes":{"cio_subscription_preferences":"x"}`),
		"invalid|attributes.cio_subscription_preferences|must be an object"},
	{"one preference in words",
		personOp(`"action":"identify","attributes":{"cio_subscription_preferences.topics.topic_1":"x"}`),
		"invalid|attributes.cio_subscription_preferences.topics.topic_1|must be a boolean"},
	{"attribute email of no shape", personOp(`"action":"identify","attributes":{"email":"x"}`),
		"invalid|attributes.email|'x' is not a valid email address"},
	{"attribute id emptied", personOp(`"action":"identify","attributes":{"id":""}`),
		"required|attributes.id|cannot be blank"},
	{"relationship without identifiers", personOp(`"action":"identify","cio_relationships":[{}]`),
		"required|cio_relationships[0].identifiers|is required"},
	{"relationship with a bad type",
		personOp(`"action":"identify","cio_relationships":[{"identifiers":{"object_type_id":"0","object_id":"a"}}]`),
		"invalid|cio_relationships[0].identifiers.object_type_id|must be an integer from 1, as a string"},
	{"relationships not an array", personOp(`"action":"identify","cio_relationships":{}`),
		"invalid|cio_relationships|must be an array"},

	{"event without name", personOp(`"action":"event"`), "required|name|is required"},
	{"blank name", personOp(`"action":"event","name":"  "`), "required|name|cannot be blank"},
	{"numeric name", personOp(`"action":"event","name":7`), "invalid|name|must be a string"},
	{"name of 100 bytes and spaces", personOp(`"action":"event","name":" ` + x(100) + ` "`), ""},
	{"page of 499 characters", personOp(`"action":"page","name":"` + x(499) + `"`), ""},
	{"page of 500 characters", personOp(`"action":"page","name":"` + x(500) + `"`),
		"invalid|name|must be less than 500 characters"},
	{"name of 101 bytes", personOp(`"action":"event","name":"` + x(101) + `"`),
		"invalid|name|cannot be longer than 100 bytes"},
	{"UUID for an id", personOp(`"action":"event","name":"n","id":"f47ac10b-58cc-4372-a567-0e02b2c3d479"`),
		"invalid|id|must be a ULID"},
	{"ULID with a letter that is none", personOp(`"action":"event","name":"n","id":"01J0000000000000000000000U"`),
		"invalid|id|must be a ULID"},
	{"ULID beyond 128 bits", personOp(`"action":"event","name":"n","id":"81J00000000000000000000000"`),
		"invalid|id|must be a ULID"},
	{"timestamp in words", personOp(`"action":"event","name":"n","timestamp":"2024-01-01T00:00:00Z"`),
		"invalid|timestamp|must be a unix timestamp in seconds"},
	{"timestamp in a string", personOp(`"action":"event","name":"n","timestamp":"1700000000"`),
		"invalid|timestamp|must be a unix timestamp in seconds"},
	{"timestamp in milliseconds", personOp(`"action":"event","name":"n","timestamp":1700000000000`),
		"invalid|timestamp|must be a unix timestamp in seconds"},
	{"timestamp with a fraction", personOp(`"action":"event","name":"n","timestamp":1700000000.5`),
		"invalid|timestamp|must be a unix timestamp in seconds"},
	{"event attributes in an array", personOp(`"action":"event","name":"n","attributes":[]`),
		"invalid|attributes|must be an object"},
	{"event attribute of 5000 bytes", personOp(`"action":"event","name":"n","attributes":{"a":"` + x(5000) + `"}`), ""},

	{"device of v1", personOp(`"action":"add_device","device":{"id":"t","platform":"ios"}`),
		"invalid|device.id|is not a field of a device"},
	{"device without platform", personOp(`"action":"add_device","device":{"token":"t"}`),
		"required|device.platform|must be one of android or ios"},
	{"device of another platform", personOp(`"action":"add_device","device":{"token":"t","platform":"web"}`),
		"invalid|device.platform|must be one of android or ios"},
	{"merge of one", `{"type":"person","action":"merge","primary":{"id":"1"},"secondary":{"id":"1"}}`,
		"invalid|secondary|cannot be the same as primary"},
	{"merge without secondary", `{"type":"person","action":"merge","primary":{"id":"1"}}`,
		"required|secondary|is required"},
	{"merge with two names",
		`{"type":"person","action":"merge","primary":{"id":"1","email":"a@b.c"},"secondary":{"id":"2"}}`,
		"invalid|primary|must be exactly one of id, email, phone or cio_id"},
	{"merge by a boolean", `{"type":"person","action":"merge","primary":{"id":true},"secondary":{"id":"2"}}`,
		"invalid|primary.id|must be a string or a number"},
	{"merge by phone", `{"type":"person","action":"merge","primary":{"phone":"+1234"},"secondary":{"id":"2"}}`,
		"invalid|primary.phone|must be one of cio_id, email or id"},
	{"object half named", `{"type":"object","action":"delete","identifiers":{"object_id":"a"}}`,
		"required|identifiers|must be object_type_id and object_id, or cio_object_id"},
	{"object id of 151 bytes",
		`{"type":"object","action":"delete","identifiers":{"object_type_id":"1","object_id":"` + x(151) + `"}}`,
		"invalid|identifiers.object_id|cannot be longer than 150 bytes"},
	{"object type as a number",
		`{"type":"object","action":"delete","identifiers":{"object_type_id":1,"object_id":"a"}}`,
		"invalid|identifiers.object_type_id|must be a string"},
	{"object value of 1001 bytes", objectOp(`"action":"identify","attributes":{"a":"` + x(1001) + `"}`),
		"invalid|attributes.a|property value cannot be longer than 1000 bytes"},
	{"delivery metric that is none",
		`{"type":"delivery","action":"event","identifiers":{"id":"d"},"name":"clicked","attributes":{"device_token":"t"}}`, "invalid|name|must be one of converted, delivered or opened"},
	{"delivery without token",
		`{"type":"delivery","action":"event","identifiers":{"id":"d"},"name":"opened","attributes":{}}`,
		"required|attributes.device_token|must be a string and cannot be blank"},

	{"a key twice", personOp(`"action":"identify","attributes":{"a":1,"a":2}`), `invalid||has the key "a" twice`},
	{"a key twice, once escaped", personOp(`"action":"identify","attributes":{"a":1,"\u0061":2}`),
		`invalid||has the key "a" twice`},
	{"a key twice among many", personOp(`"action":"identify","attributes":{` + members(20) + `,"k3":2}`),
		`invalid||has the key "k3" twice`},
	{"a lone surrogate", personOp(`"action":"identify","attributes":{"a":"\ud800"}`),
		`invalid||contains a lone surrogate`},
	{"a surrogate pair", personOp(`"action":"identify","attributes":{"a":"\ud83d\ude00"}`), ""},
	{"32000 bytes", sized(32_000), ""},
	{"32001 bytes", sized(32_001), "invalid||cannot be longer than 32000 bytes"},
}

// sized makes an event of exactly n bytes.
func sized(n int) string {
	const empty = `{"type":"person","action":"event","identifiers":{"id":"7"},"name":"n","attributes":{"a":""}}`
	return strings.Replace(empty, `""`, `"`+x(n-len(empty))+`"`, 1)
}

func firstProblem(t *testing.T, body string) string {
	t.Helper()
	var answer struct {
		Errors []struct{ Reason, Field, Message string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("answer %s: %v", body, err)
	}
	if len(answer.Errors) == 0 {
		return ""
	}
	e := answer.Errors[0]
	return e.Reason + "|" + e.Field + "|" + e.Message
}

func TestOperationsOfTrackV2(t *testing.T) {
	c := start(t, Options{})
	for _, row := range operationRows {
		good := event("good", 1)
		r := c.batch(good, row.item)
		wantStatus := 207
		if row.want == "" {
			wantStatus = 200
		}
		if got := firstProblem(t, r.body); r.status != wantStatus || got != row.want {
			t.Errorf("%s, in a batch: %d %s\nwant %d %s", row.name, r.status, got, wantStatus, row.want)
		}
		got := c.last()
		if got.Taken != (row.want == "") || string(got.Body) != row.item {
			t.Errorf("%s: receipt %+v", row.name, got)
		}
		if len(row.item) > maxItemBytes {
			continue // alone it is refused before it is read: see TestWholeRequests
		}
		if wantStatus == 207 {
			wantStatus = 400
		}
		want := row.want
		if strings.HasPrefix(want, "invalid||has") || strings.HasPrefix(want, "invalid||contains") {
			want = strings.Replace(want, "||", "|body|", 1)
		}
		r = c.do("POST", entityPath, row.item)
		if got := firstProblem(t, r.body); r.status != wantStatus || got != want {
			t.Errorf("%s, alone: %d %s\nwant %d %s", row.name, r.status, got, wantStatus, want)
		}
	}
}

func TestWholeRequestsOfTrackV2(t *testing.T) {
	c := start(t, Options{})
	full := func(n int) string {
		b := `{"batch":[` + sized(32_000)
		for len(b)+32_002 < n-1000 {
			b += "," + sized(32_000)
		}
		return b + "," + sized(n-len(b)-3) + "]}"
	}
	for _, row := range []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"500000 bytes", batchPath, full(500_000), 200, ""},
		{"500001 bytes", batchPath, full(500_001), 413, "invalid|body|cannot be longer than 500000 bytes"},
		{"far too long", batchPath, `{"batch":["` + x(3_000_000) + `"]}`, 413,
			"invalid|body|cannot be longer than 500000 bytes"},
		{"entity of 32001 bytes", entityPath, sized(32_001), 413, "invalid|body|cannot be longer than 32000 bytes"},
		{"not JSON", batchPath, `{"batch":[}`, 400, "invalid|body|must be valid JSON"},
		{"empty body", batchPath, ``, 400, "invalid|body|must be valid JSON"},
		{"something after", batchPath, `{"batch":[` + event("7", 9) + `]} x`, 400, "invalid|body|must be valid JSON"},
		{"invalid UTF-8", batchPath, `{"batch":[` + event("\xff", 9) + `]}`, 400, "invalid|body|must be valid JSON"},
		{"raw control character", batchPath, "{\"batch\":[\"\x01\"]}", 400, "invalid|body|must be valid JSON"},
		{"too deep", batchPath, `{"batch":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, 400,
			"invalid|body|must be valid JSON"},
		{"no batch", batchPath, `{}`, 400, "required|batch|is required"},
		{"array at the top", batchPath, `[]`, 400, "invalid|body|must be an object"},
		{"batch not an array", batchPath, `{"batch":{}}`, 400, "invalid|batch|must be an array"},
		{"empty batch", batchPath, `{"batch":[]}`, 400, "required|batch|cannot be empty"},
		{"batch twice", batchPath, `{"batch":[],"batch":[]}`, 400, `invalid|body|has the key "batch" twice`},
		{"more than a batch", batchPath, `{"batch":[],"sent_at":1}`, 400, "invalid|sent_at|is not a field of a batch"},
	} {
		r := c.do("POST", row.path, row.body)
		if got := firstProblem(t, r.body); r.status != row.status || got != row.want {
			t.Errorf("%s: %d %s\nwant %d %s", row.name, r.status, got, row.status, row.want)
		}
		if got := c.last(); got.Taken != (row.status == 200) || got.Status != row.status {
			t.Errorf("%s: receipt %+v", row.name, got)
		}
	}
	for path, status := range map[string]int{"/api/v2/batches": 404, "/api/v2/entity/": 404, "/nothing": 404,
		"/api//v2/batch": 404} {
		if r := c.do("POST", path, `{}`); r.status != status {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	if r := c.do("GET", batchPath, ""); r.status != 405 {
		t.Errorf("GET: %d", r.status)
	}
}

func TestContentType(t *testing.T) {
	c := start(t, Options{})
	for header, status := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "text/plain": 400,
		"application/json; charset=latin1": 400, "": 400,
	} {
		r := c.do("POST", entityPath, event("7", 1), func(r *http.Request) { r.Header.Set("Content-Type", header) })
		if r.status != status {
			t.Errorf("%q: %d", header, r.status)
		}
	}
}
