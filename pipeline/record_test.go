package pipeline

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/checkertest"
)

// notebook counts what it is told, by message.
type notebook struct {
	mu       sync.Mutex
	told     map[event.Origin][]string
	attempts int // the most of one call
}

func (n *notebook) Record(b Became) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.attempts = max(n.attempts, b.Attempts)
	what := "skipped"
	switch {
	case b.Outcome != nil:
		what = map[event.Result]string{event.Delivered: "accepted", event.Refused: "refused"}[b.Outcome.Result] + " " +
			string(b.Call.Body)
	case b.Failure != nil:
		what = "stored " + string(b.Failure.Reason)
		if b.Call != nil {
			what += " " + string(b.Call.Body)
		}
	}
	n.told[b.Message.Origin] = append(n.told[b.Message.Origin], what)
}

// A recorder is told once of each call that is settled, of each failure when it is stored, and of each message that is
// skipped, however often a request or the store of letters fails.
func TestRecorderIsToldOfEveryEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(3, 4, 50, 2000, "track", "identify", "refused", "skip", "unmappable")
		r.dest.trouble = 0.3
		began := time.Now()
		r.letters.fail = func(now time.Time) bool { return now.Sub(began) < 10*time.Second }
		n := &notebook{told: map[event.Origin][]string{}}
		r.recorder = n
		r.run(t, time.Hour, nil)
		r.check(t, checkertest.Limits{Repeats: -1, Fallbacks: true})
		for _, partition := range r.messages {
			for i := range partition {
				m := &partition[i]
				person, kind := fields(m.Value)
				want := "accepted " + string(m.Value)
				switch kind {
				case "refused":
					want = "refused " + string(m.Value) + ", stored refused " + string(m.Value)
				case "skip":
					want = "skipped"
				case "unmappable":
					want = "stored missing_field"
				}
				if got := strings.Join(n.told[m.Origin], ", "); got != want {
					t.Errorf("%s of %s: told %q, want %q", m.Origin, person, got, want)
				}
			}
		}
		if n.attempts < 2 || r.letters.failed == 0 {
			t.Errorf("at most %d attempts, %d failed writes: nothing was tried again", n.attempts, r.letters.failed)
		}
	})
}
