package mapping_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTimestampsFarFromTheirRecordsAreCounted looks at what the bridge can see of timestamps that Customer.io ignores.
func TestTimestampsFarFromTheirRecordsAreCounted(t *testing.T) {
	r := compileText(t, inRule("identify: {person: .id, attributes: {a: 1}, timestamp: .at}"))
	record := message("").Time
	for _, after := range []time.Duration{0, 59 * time.Second, -59 * time.Second, 2 * time.Minute, -2 * time.Minute,
		-time.Hour} {
		m := message(fmt.Sprintf(`{"type":"e","id":1,"at":%d}`, record.Add(after).Unix()))
		calls, failures := r.Map(m)
		want := fmt.Sprintf(`"timestamp":%d`, record.Add(after).Unix())
		if len(calls) != 1 || !strings.Contains(string(calls[0].Body), want) {
			t.Errorf("%v after its record: %v, %+v, want %s", after, calls, failures, want)
		}
		r.ForReplay().Map(m) // where old ones are meant
	}
	if got := r.Stats()[0]; got.Ahead != 1 || got.Behind != 2 {
		t.Errorf("%+v, want 1 ahead and 2 behind", got)
	}
}

// TestAReplayCarriesATimestampWhateverTheRuleSays looks at what holds back an old identify in a replay.
func TestAReplayCarriesATimestampWhateverTheRuleSays(t *testing.T) {
	for _, c := range []struct{ timestamp, want string }{
		{"", `"timestamp":1780000000`}, {", timestamp: event", `"timestamp":1780000000`},
		{", timestamp: .at", `"timestamp":1700000000`}, {", timestamp: .missing", `"timestamp":1780000000`},
	} {
		r := compileText(t, inRule("identify: {person: .id, attributes: {a: 1}"+c.timestamp+"}")).ForReplay()
		calls, failures := r.Map(message(`{"type":"e","id":1,"at":1700000000}`))
		if len(calls) != 1 || !strings.Contains(string(calls[0].Body), c.want) {
			t.Errorf("%q gave %v, %+v, want %s", c.timestamp, calls, failures, c.want)
		}
	}
}
