package emulator

import (
	"fmt"
	"strings"
	"testing"
)

// What somebody saw on the bus is kept for the page, the latest of it, until the emulator is reset.
func TestEventsOnTheBus(t *testing.T) {
	c := start(t, Options{})
	if got := c.control("GET", "events", "", 200); got != `{"events":[],"total":0}` {
		t.Error(got)
	}
	for n := range keptBusEvents + 1 {
		if err := c.s.ShowEvent("a.b", fmt.Appendf(nil, `{"id":"%d"}`, n)); err != nil {
			t.Fatal(err)
		}
	}
	c.control("POST", "events", `{"place":"c","event":{"type":"</script>"}}`, 200)
	for _, body := range []string{`{}`, `{"place":"c","event":7}`, `{"place":"c","event":null}`, `[]`} {
		c.control("POST", "events", body, 400)
	}
	if got, want := c.control("GET", "events?limit=2", "", 200), `{"events":[{"n":1001,"place":"a.b","event":{"id":"1000"}},`+
		`{"n":1002,"place":"c","event":{"type":"\u003c/script\u003e"}}],"total":1002}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if all := c.s.BusEvents(); len(all) != keptBusEvents || all[0].N != 3 {
		t.Errorf("%d are kept, from number %d", len(all), all[0].N)
	}
	if page := c.do("GET", "/", "").body; !strings.Contains(page, `get("events?limit=200")`) {
		t.Error("the page does not ask for events")
	}
	c.control("POST", "reset", "", 200)
	if all := c.s.BusEvents(); len(all) != 0 {
		t.Errorf("%d after the reset", len(all))
	}
}
