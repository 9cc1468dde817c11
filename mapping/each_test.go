package mapping_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

func TestEachMakesOneCallForEveryItem(t *testing.T) {
	r := compileText(t, inRule("each: .items[]\n        if: $item.n != 2\n        track: {person: .id, name: a, "+
		"data: {number: $item.n}}"))
	calls, failures := r.Map(new(message(`{"type":"e","id":1,"items":[{"n":1},{"n":2},{"n":3}]}`)))
	if len(calls) != 2 || len(failures) != 0 {
		t.Fatalf("%d calls, %+v", len(calls), failures)
	}
	without := mapOne(t, r, message(`{"type":"e","id":1,"items":[{"n":3}]}`))
	if calls[0].ID == calls[1].ID || calls[1].ID == without.ID {
		t.Error("two items have one identity")
	}
	if calls[0].Step != calls[1].Step || calls[0].Step.Call != "track:a" {
		t.Errorf("%+v", calls[0].Step)
	}
}

func TestOneBadItemCostsOneItem(t *testing.T) {
	r := compileText(t, inRule("each: .items[]\n        track: {person: $item, name: a}"))
	calls, failures := r.Map(new(message(`{"type":"e","items":["a","","c"]}`)))
	if len(calls) != 2 || len(failures) != 1 || failures[0].Reason != event.ReasonInvalidValue ||
		failures[0].Call != "track:a" {
		t.Errorf("%d calls, %+v", len(calls), failures)
	}
}

// A list that cannot be read to its end, that floods the dead letters or that takes too long is one failure, and no
// calls.
func TestEachIsAllOrNothingWhereItIsGivenUp(t *testing.T) {
	items := func(item string, n int) string { return strings.Repeat(item+",", n-1) + item }
	for name, c := range map[string]struct {
		each, person, data string
		items              string
		reason             event.Reason
		detail             string
	}{
		"an error in the middle": {"'= .items[] | if . == 3 then error else . end'", ".id", "{}", "1,2,3,4",
			event.ReasonRuleError, ""},
		"more than 100 failures": {".items[]", "$item", "{}", items(`""`, 200), event.ReasonInvalidValue,
			"the last: person: "},
		"too much output": {".items[]", ".id", "{text: .text}", items("1", 1000), event.ReasonTooLarge, ""},
		"too many items":  {"'= range(20000)'", ".id", "{}", "", event.ReasonTooLarge, ""},
		"a program without end": {".items[]", ".id", "{x: '= [range(0; infinite)]'}", items("1", 1000),
			event.ReasonRuleError, "an item failed: data.x: "},
	} {
		t.Run(name, func(t *testing.T) {
			r := compileText(t, inRule("track: {person: .id, name: before}\n      - each: "+c.each+
				"\n        track: {person: "+c.person+", name: a, data: "+c.data+"}")+
				"  - {name: other, event: e, do: [{track: {person: .id, name: after}}]}\n")
			start := time.Now()
			calls, failures := r.Map(new(message(fmt.Sprintf(`{"type":"e","id":1,"text":%q,"items":[%s]}`,
				strings.Repeat("x", 20_000), c.items))))
			if spent := time.Since(start); spent > 5*time.Second {
				t.Errorf("took %v", spent)
			}
			if len(calls) != 2 || calls[0].Step.Call != "track:before" || calls[1].Step.Call != "track:after" {
				t.Errorf("want the calls of other actions and rules, got %d", len(calls))
			}
			if len(failures) != 1 || failures[0].Reason != c.reason || failures[0].Field != "each" ||
				!strings.Contains(failures[0].Detail, c.detail) || failures[0].Call != "track:a" {
				t.Errorf("%+v", failures)
			}
			if s := r.Stats()[0]; s.Calls != 1 || s.Failed != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}
