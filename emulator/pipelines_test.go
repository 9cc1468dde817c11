package emulator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// cdp sends to the Pipelines API.
func (c *client) cdp(path, body string, edit ...func(*http.Request)) reply2 {
	c.t.Helper()
	key := func(r *http.Request) { r.SetBasicAuth(DefaultWriteKey, "") }
	return c.do("POST", "/v1/"+path, body, append([]func(*http.Request){key}, edit...)...)
}

func strict(r *http.Request) { r.Header.Set("X-Strict-Mode", "1") }

func TestPipelines(t *testing.T) {
	for _, x := range []struct{ path, body, want string }{
		{"identify", `{"userId":"7","traits":{"plan":"pro"}}`, "person identify id:7 "},
		{"identify", `{"userId":7}`, "person identify id:7 "},
		{"identify", `{"userId":"A@b.c"}`, "person identify email:a@b.c "},
		{"identify", `{"userId":"cio_em1"}`, "person identify cio_id:em1  unknown_cio_id"},
		{"identify", `{"userId":"","traits":{"email":"a@b.c"}}`, "person identify email:a@b.c "},
		{"identify", `{"anonymousId":"v","type":"identify","timestamp":"2026-11-27T03:00:00.5+01:00"}`,
			"person identify anonymous_id:v "},
		{"identify", `{"traits":{}}`, "userId or anonymousId is required"},
		{"identify", `{"userId":"7","traits":[]}`, "traits must be an object"},
		{"identify", `{"userId":"7","timestamp":1700000000}`, "timestamp must be an ISO 8601 date and time with a zone"},
		{"identify", `{"userId":"7","type":"track"}`, "type must be identify on this path"},
		{"identify", `{"userId":{}}`, "userId must be a string"},
		{"track", `{"userId":"7","event":"n","properties":{"a":1}}`, "person event id:7 n"},
		{"track", `{"anonymousId":"v","event":"n"}`, "person event anonymous_id:v n"},
		{"track", `{"groupId":"acme","event":"n"}`, "object event object/1:acme n"},
		{"track", `{"userId":"7"}`, "event must be a string and cannot be blank"},
		{"track", `{"event":"n"}`, "userId or anonymousId is required"},
		{"track", `{"userId":"7","event":"User Deleted"}`, "person delete id:7  unknown_person"},
		{"track", `{"userId":"7","event":"User Suppressed"}`, "person suppress id:7 "},
		{"track", `{"userId":"7","event":"User Unsuppressed"}`, "person unsuppress id:7  not_suppressed"},
		{"track", `{"anonymousId":"v","event":"User Deleted"}`, "userId is required"},
		{"track", `{"userId":"7","event":"Device Created or Updated","context":{"device":{"token":"t","type":"ios"}}}`,
			"person add_device id:7 t"},
		{"track", `{"userId":"7","event":"Device Created or Updated","context":{"device":{"token":"t"}}}`,
			"context.device.type must be one of android or ios"},
		{"track", `{"userId":"7","event":"Device Deleted","context":{"device":{"token":"t"}}}`,
			"person delete_device id:7 t unknown_device"},
		{"track", `{"userId":"7","event":"Relationship Deleted","properties":{"objectId":"acme"}}`,
			"object delete_relationships object/1:acme "},
		{"track", `{"anonymousId":"v","event":"Object Deleted","properties":{"objectId":"acme","objectTypeId":2}}`,
			"object delete object/2:acme  unknown_object"},
		{"track", `{"event":"Report Delivery Event","properties":{"deliveryId":"d","metric":"opened"}}`,
			"delivery event delivery:d opened"},
		{"track", `{"event":"Report Delivery Event","properties":{"deliveryId":"d","metric":"read"}}`,
			"properties.metric must be one of clicked, converted, delivered or opened"},
		{"track", `{"anonymousId":"v","event":"Report Content Event","properties":{"actionType":"viewed_content"}}`,
			"person event anonymous_id:v viewed_content"},
		{"page", `{"userId":"7","name":"home"}`, "person page id:7 home"},
		{"page", `{"userId":"7","properties":{"url":"https://a.b/c"}}`, "person page id:7 https://a.b/c"},
		{"screen", `{"anonymousId":"v","name":"feed"}`, "person screen anonymous_id:v feed"},
		{"group", `{"userId":"7","groupId":"acme","traits":{"name":"Acme"}}`, "object identify object/1:acme "},
		{"group", `{"userId":"7","groupId":"acme","traits":{"object_type_id":"3"}}`, "object identify object/3:acme "},
		{"group", `{"userId":"7"}`, "groupId must be a string and cannot be blank"},
		{"group", `{"userId":"7","groupId":"acme","objectTypeId":"x"}`, "objectTypeId must be an integer from 1"},
		{"alias", `{"userId":"7","previousId":"v"}`, "person merge id:7  unknown_merge_side"},
		{"alias", `{"userId":"7"}`, "previousId is required"},
		{"alias", `{"userId":"7","previousId":"7"}`, "previousId cannot be the same as userId"},
		{"identify", `{"userId":"7","traits":{"x":"` + strings.Repeat("x", 32_000) + `"}}`,
			"body cannot be longer than 32000 bytes"},
		{"identify", `{`, "body must be valid JSON: "},
		{"identify", `[]`, "body must be an object"},
	} {
		for _, mode := range []string{"permissive", "strict"} {
			c := start(t, Options{})
			var edit []func(*http.Request)
			if mode == "strict" {
				edit = append(edit, strict)
			}
			r := c.cdp(x.path, x.body, edit...)
			got := c.last()
			text := strings.TrimRight(fmt.Sprintf("%s %s %s %s %s", got.Type, got.Action, got.Person, got.Name,
				got.Ignored), " ")
			want, status, body := strings.TrimRight(x.want, " "), 200, "{}\n"
			if !got.Taken {
				text = got.Error
				if mode == "strict" {
					status, body = 400, `{"meta":{"errors":["`
				}
			}
			if !strings.HasPrefix(text, want) || got.Taken && text != want {
				t.Errorf("%s %.80s: %s, want %s", x.path, x.body, text, want)
			}
			if r.status != status || !strings.HasPrefix(r.body, body) {
				t.Errorf("%s %s %.80s: %d %s", mode, x.path, x.body, r.status, r.body)
			}
		}
	}
}

func TestEffectsOfPipelines(t *testing.T) {
	c := start(t, Options{})
	c.cdp("track", `{"anonymousId":"v","event":"n"}`)
	c.cdp("batch", `{"batch":[
		{"type":"identify","userId":"7","anonymousId":"v","messageId":"m1",
			"traits":{"email":"a@b.c","plan":"pro","createdAt":"2026-11-27T00:00:00Z"}},
		{"type":"track","userId":"7","event":"n","messageId":"m2"},
		{"type":"track","userId":"7","event":"n","messageId":"m2"},
		{"type":"group","userId":"7","groupId":"acme","traits":{"name":"Acme","relationshipAttributes":{"role":"admin"}}},
		{"type":"nothing","userId":"7"},
		{"type":"track","userId":"7","event":"Device Created or Updated","context":{"device":{"token":"t","type":"ios"}}}
	],"sentAt":"2026-11-27T00:00:00Z"}`)
	b, _ := json.Marshal(c.s.People())
	want := `[{"cio_id":"em000002","id":"7","email":"a@b.c","anonymous_ids":["v"],` +
		`"attributes":{"created_at":1795737600,"plan":"pro"},"events":2,"devices":{"t":{"token":"t","type":"ios"}},` +
		`"relationships":{"object/1:acme":{"role":"admin"}}}]`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	if b, _ = json.Marshal(c.s.Objects()[0].Attributes); string(b) != `{"name":"Acme"}` {
		t.Errorf("%s", b)
	}
	var lines []string
	for _, r := range c.s.Receipts(2) {
		lines = append(lines, r.Action+" "+r.Ignored+r.Error)
	}
	if got := strings.Join(lines, "\n"); got != "identify \nevent \nevent duplicate\nidentify \n"+
		" type must be one of identify, track, page, screen, group, alias\nadd_device " {
		t.Error(got)
	}
	c.cdp("alias", `{"userId":"7","previousId":"w"}`)
	c.cdp("track", `{"anonymousId":"w","event":"n"}`)
	c.cdp("alias", `{"userId":"7","previousId":"w"}`)
	if got := c.s.People(); len(got) != 1 || got[0].Events != 3 || len(got[0].AnonymousIDs) != 2 {
		t.Errorf("%+v", got)
	}
}

// In strict mode one wrong message refuses the whole batch; otherwise it is left out.
func TestStrictModeOfPipelines(t *testing.T) {
	c := start(t, Options{})
	const batch = `{"batch":[{"type":"track","userId":"7","event":"n"},{"type":"track","userId":"7"}]}`
	if r := c.cdp("batch", batch, strict); r.status != 400 ||
		r.body != `{"meta":{"errors":["batch[1]: event must be a string and cannot be blank"]}}`+"\n" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if c.s.Stats().Applied != 0 || c.s.Stats().Refused != 2 {
		t.Errorf("%+v", c.s.Stats())
	}
	if r := c.cdp("batch", batch); r.status != 200 || c.s.Stats().Applied != 1 {
		t.Errorf("%d %+v", r.status, c.s.Stats())
	}
	wrong := func(r *http.Request) { r.SetBasicAuth("other", "") }
	if r := c.cdp("track", `{"userId":"7","event":"n"}`, wrong); r.status != 200 || c.last().Taken {
		t.Errorf("a wrong key: %d %+v", r.status, c.last())
	}
	if r := c.cdp("track", `{"userId":"7","event":"n"}`, wrong, strict); r.status != 401 {
		t.Errorf("a wrong key in strict mode: %d", r.status)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(`{"userId":"7","event":"packed"}`))
	z.Close()
	if r := c.cdp("track", packed.String(), strict, func(r *http.Request) {
		r.Header.Set("Content-Encoding", "gzip")
	}); r.status != 200 || c.last().Name != "packed" {
		t.Errorf("a compressed body: %d %s %+v", r.status, r.body, c.last())
	}
	f, _ := ParseFault("refuse=invalid,person=id:7")
	c.s.AddFault(f)
	if r := c.cdp("track", `{"userId":"7","event":"n"}`, strict); r.status != 400 || c.last().Taken {
		t.Errorf("refused by a fault: %d %s", r.status, r.body)
	}
	if r := c.cdp("track", `{"userId":"7","event":"n"}`); r.status != 200 || c.last().Taken {
		t.Errorf("refused by a fault: %d %s", r.status, r.body)
	}
}
