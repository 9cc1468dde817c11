package customerio

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// item begins an item for a person.
func item(action Action, kind Identifier, text string) []byte {
	return append(jsontext.AppendString(action.Operation().AppendItem(nil, kind), []byte(text)), '}')
}

func TestItems(t *testing.T) {
	for want, item := range map[string][]byte{
		`{"type":"person","action":"identify","identifiers":{"id":"c_7"}}`: append(
			item(Identify, ID, "c_7"), '}'),
		`{"type":"person","action":"event","identifiers":{"email":"a@b"}}`: append(
			item(Track, Email, "a@b"), '}'),
		`{"type":"person","action":"page","identifiers":{"anonymous_id":"v"}}`: append(
			item(Pageview, AnonymousID, "v"), '}'),
		`{"type":"person","action":"screen","identifiers":{"phone":"+15551234567"}}`: append(
			item(Screen, Phone, "+15551234567"), '}'),
		`{"type":"person","action":"delete","identifiers":{"cio_id":"03"}}`: append(
			item(Delete, CioID, "03"), '}'),
		`{"type":"person","action":"delete","identifiers":{"id":"1"},"timestamp":100}`: append(
			AppendTimestamp(item(Delete, ID, "1"), 100), '}'),
	} {
		if string(item) != want || !json.Valid(item) {
			t.Errorf("got %s, want %s", item, want)
		}
	}
}

func TestActionsHaveNamesOfTheirOwn(t *testing.T) {
	names := map[string]bool{}
	for _, a := range Actions() {
		op := a.Operation()
		if op.Name == "" || names[op.Name] {
			t.Errorf("action %d has no name of its own, but %q", a, op.Name)
		}
		names[op.Name] = true
		if a == RawRequest {
			continue // its path is the rule's
		}
		endpoint, about := Batch, func(f Field) bool { return f.Required }
		switch {
		case a == TriggerBroadcast:
			endpoint = Broadcast
		case op.Once:
			endpoint = Transactional
		case op.Path != "":
			endpoint = Single
		}
		if ParseAction(op.Name) != a || op.Purpose == "" || op.wire == "" && op.Path == "" || len(op.Endpoints) == 0 ||
			op.Endpoints[0] != endpoint || !slices.ContainsFunc(op.Fields, about) {
			t.Errorf("%s: the row is not complete: %+v", op.Name, op)
		}
		allowed := false
		for _, name := range DestructiveActions() {
			allowed = allowed || name == op.Name
		}
		if allowed != op.Destructive {
			t.Errorf("%s: destructive is %v, but allowing it is %v", op.Name, op.Destructive, allowed)
		}
	}
}
