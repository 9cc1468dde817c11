package mapping_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTimestampsThatCustomerIOIgnoresAreCounted looks at what the bridge can see of them.
func TestTimestampsThatCustomerIOIgnoresAreCounted(t *testing.T) {
	r := compileText(t, inRule("identify: {person: .id, attributes: {a: .a}, timestamp: .at}\n        on_invalid: "+
		"dead_letter"))
	record := message("").Time
	for _, e := range []struct {
		person int
		after  time.Duration
		behind uint64
		ahead  uint64
	}{
		{1, -time.Hour, 0, 0}, {2, -2 * time.Hour, 0, 0}, {1, -time.Hour, 0, 0}, {1, -time.Hour - time.Second, 1, 0},
		{1, -time.Hour - time.Second, 2, 0}, {1, -time.Minute, 2, 0}, {2, time.Minute, 2, 0},
		{3, 2 * time.Minute, 2, 1}, {3, time.Minute, 3, 1},
	} {
		m := message(fmt.Sprintf(`{"type":"e","id":%d,"at":%d}`, e.person, record.Add(e.after).Unix()))
		calls, failures := r.Map(&m)
		want := fmt.Sprintf(`"timestamp":%d`, record.Add(e.after).Unix())
		if len(calls) != 1 || !strings.Contains(string(calls[0].Body), want) {
			t.Errorf("%+v: %v, %+v, want %s", e, calls, failures, want)
		}
		r.ForReplay().Map(&m) // where old ones are meant
		if got := r.Stats()[0]; got.Behind != e.behind || got.Ahead != e.ahead {
			t.Errorf("after %+v: %+v", e, got)
		}
	}
	failing := fmt.Sprintf(`{"type":"e","id":1,"a":%q,"at":%d}`, strings.Repeat("x", 1001), record.Unix())
	if _, failures := r.Map(new(message(failing))); len(failures) != 1 {
		t.Errorf("%+v of a value that is too long", failures)
	}
	r.Map(new(message(fmt.Sprintf(`{"type":"e","id":1,"at":%d}`, record.Add(-time.Second).Unix()))))
	if got := r.Stats()[0]; got.Behind != 3 {
		t.Errorf("%+v: a call that was never made counts as the latest", got)
	}
}

// TestAReplayCarriesATimestampWhateverTheRuleSays looks at what holds back an old identify in a replay.
func TestAReplayCarriesATimestampWhateverTheRuleSays(t *testing.T) {
	for _, c := range []struct{ timestamp, want string }{
		{"", `"timestamp":1780000000`}, {", timestamp: event", `"timestamp":1780000000`},
		{", timestamp: .at", `"timestamp":1700000000`}, {", timestamp: .missing", `"timestamp":1780000000`},
	} {
		r := compileText(t, inRule("identify: {person: .id, attributes: {a: 1}"+c.timestamp+"}")).ForReplay()
		calls, failures := r.Map(new(message(`{"type":"e","id":1,"at":1700000000}`)))
		if len(calls) != 1 || !strings.Contains(string(calls[0].Body), c.want) {
			t.Errorf("%q gave %v, %+v, want %s", c.timestamp, calls, failures, c.want)
		}
	}
}
