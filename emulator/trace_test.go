package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A receipt tells by which rule and of which event its call was made, where whoever made it has told: by the bytes of
// the call, before it came or after. Traces are bounded, and so are letters.
func TestReceiptsTellWhereCallsComeFrom(t *testing.T) {
	c := start(t, Options{})
	item := `{"type":"person","action":"identify","identifiers":{"id":"7"},"attributes":{"plan":"trial"}}`
	other := strings.Replace(item, "trial", "paid", 1)
	c.s.ShowTrace([]byte(item), Trace{Rule: "sign-up", Event: "user.signed_up", Place: "EVENTS/0@3"})
	c.batch(item, other)
	first := c.control("GET", "receipts", "", http.StatusOK)
	if strings.Count(first, `"rule":"sign-up","event":"user.signed_up","origin":"EVENTS/0@3"`) != 1 {
		t.Errorf("got %s", first)
	}
	for n := range keptTraces {
		c.s.ShowTrace(fmt.Append(nil, n), Trace{Rule: "other"})
	}
	if c.s.traces.of([]byte(item)) != (Trace{}) || c.s.traces.of([]byte("7")) == (Trace{}) && c.s.traces.of(
		fmt.Append(nil, keptTraces-1)).Rule != "other" {
		t.Error("the oldest is known, or the latest is not")
	}
	if n := len(c.s.traces.latest) + len(c.s.traces.older); n > keptTraces {
		t.Errorf("%d traces are kept", n)
	}

	letters := make([]Letter, keptLetters+5)
	for n := range letters {
		letters[n] = Letter{ID: fmt.Sprint(n), Reason: "missing_field", Trace: Trace{Rule: "<b>"}}
	}
	c.s.ShowLetters(letters)
	var got struct {
		Total   int
		Letters []Letter
	}
	if err := json.Unmarshal([]byte(c.control("GET", "letters?limit=2", "", http.StatusOK)), &got); err != nil ||
		got.Total != keptLetters+5 || len(got.Letters) != 2 || got.Letters[1] != letters[len(letters)-1] {
		t.Errorf("%v, %+v", err, got)
	}
	c.control("PUT", "letters", `{"letters":[{"id":"a","reason":"refused","rule":"r"}]}`, http.StatusOK)
	c.control("PUT", "letters", `{"letters":7}`, http.StatusBadRequest)
	c.control("GET", "letters?limit=0", "", http.StatusBadRequest)
	if l := c.s.letters; len(l) != 1 || l[0].Rule != "r" {
		t.Errorf("shown %+v", l)
	}
	c.control("POST", "reset", "", http.StatusOK)
	if got := c.control("GET", "letters", "", http.StatusOK); got != `{"letters":[],"total":0}` {
		t.Error(got)
	}
}
