package customerio

import (
	"encoding/json"
	"testing"
)

func TestSingleEventPaths(t *testing.T) {
	for _, c := range []struct {
		kind       Identifier
		text, want string
	}{
		{ID, "c_7", "/api/v1/customers/c_7/events"},
		{ID, "a/b c+%ü", "/api/v1/customers/a%2Fb%20c%2B%25%C3%BC/events"},
		{ID, "..", "/api/v1/customers/%2E%2E/events"},
		{ID, "a@b", ""},
		{ID, "cio_03", ""},
		{Email, "a+b@c.example", "/api/v1/customers/a%2Bb%40c%2Eexample/events"},
		{Email, "cio_a@c", ""},
		{CioID, "03", "/api/v1/customers/cio_03/events"},
		{Phone, "+15551234567", ""},
		{AnonymousID, "v/1", "/api/v1/events"},
	} {
		e := SingleEvent{Person: c.kind, Text: []byte(c.text)}
		if got := e.Path(); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.kind, c.text, got, c.want)
		}
	}
}

func TestSingleEventBodies(t *testing.T) {
	e := SingleEvent{Operation: Pageview.Operation(), Person: ID, Text: []byte("c_7"), Name: []byte(`"/a"`),
		ID: []byte("01M6B8TE80GGQX5P19YCWSSWP7"), Data: []byte(`{"a":1}`)}
	want := `{"name":"/a","type":"page","id":"01M6B8TE80GGQX5P19YCWSSWP7","data":{"a":1}}`
	if got := e.AppendTo(nil); string(got) != want || !json.Valid(got) {
		t.Errorf("got %s, want %s", got, want)
	}
	e.Person, e.Text, e.Unix, e.Operation = AnonymousID, []byte(`v"1`), 1_793_527_200, Track.Operation()
	want = `{"name":"/a","type":"event","id":"01M6B8TE80GGQX5P19YCWSSWP7","anonymous_id":"v\"1",` +
		`"timestamp":1793527200,"data":{"a":1}}`
	if got := e.AppendTo(nil); string(got) != want || !json.Valid(got) {
		t.Errorf("got %s, want %s", got, want)
	}
}
