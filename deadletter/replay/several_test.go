package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// severalRules are the rules for a topic whose records hold lists: before they are mended, and after.
func severalRules(t *testing.T, mended bool) *mapping.Rules {
	t.Helper()
	typ, number := ".type", "= if .bad then error else .n end"
	if mended {
		typ, number = ".type // .kind", ".n"
	}
	return compiled(t, `
rules:
  - name: seen
    event: seen
    require: [.user]
    do:
      - track: {person: .user, name: first, data: {number: .n}}
      - track: {person: .user, name: second, data: {number: '`+number+`'}}
`, mapping.Topic{Name: "t", Envelope: mapping.Envelope{Type: mapping.Term{Program: typ},
		ID: mapping.Term{Program: ".id"}, Each: mapping.Term{Program: ".records"}}})
}

// someEvents is a record with a random list, and the events in it that are mapped once the rules are mended.
func someEvents(random *rand.Rand, offset int64) (m event.Message, good []int) {
	var items []string
	for n := range random.IntN(7) {
		id := ""
		if random.IntN(2) == 0 {
			id = fmt.Sprintf(`,"id":"i%d"`, n)
		}
		item := fmt.Sprintf(`{"type":"seen","user":"u%d","n":%d%s}`, random.IntN(3), n, id)
		switch random.IntN(6) {
		case 0: // no type yet
			item = strings.Replace(item, "type", "kind", 1)
		case 1: // its second call fails at first
			item = strings.Replace(item, `"n"`, `"bad":true,"n"`, 1)
		case 2: // a text within the text
			text, _ := json.Marshal(item)
			item = string(text)
		case 3: // never read
			items = append(items, []string{strings.Replace(item, "user", "n", 1), `{"type":}`, "7", `{"type":"seen"}`,
				`"x"`}[random.IntN(5)])
			continue
		}
		good = append(good, n)
		items = append(items, item)
	}
	return event.Message{Origin: event.Origin{Topic: "t", Offset: offset},
		Time:  time.UnixMilli(1_790_000_000_000 + offset),
		Value: []byte(`{"records":[` + strings.Join(items, ",") + `]}`)}, good
}

// sent is what Customer.io has taken: each call once, by its identity, in the order in which it came first.
type sent struct {
	ids    map[event.ID]bool
	bodies []string
}

func (s *sent) take(calls []event.Call) {
	for _, c := range calls {
		if !s.ids[c.ID] {
			s.ids[c.ID] = true
			s.bodies = append(s.bodies, string(c.Body))
		}
	}
}

// Wherever the bridge and the replays after it are killed, each event of a list is sent once, in its place; and a
// letter of one event sends nothing of the others.
func TestEveryEventOfARecordIsSentOnce(t *testing.T) {
	broken, mended := severalRules(t, false), severalRules(t, true)
	random := rand.New(rand.NewPCG(11, 5))
	letters := 0
	for offset := range int64(150) {
		m, good := someEvents(random, offset)
		calls, failures := broken.Map(&m)
		inOrder(t, calls)
		for killed := range len(calls) + 1 {
			s := &sent{ids: map[event.ID]bool{}}
			s.take(calls[:killed])
			again, failedAgain := broken.Map(&m)
			if !slices.Equal(failures, failedAgain) {
				t.Fatalf("%s fails in another way when it is read again", m.Value)
			}
			s.take(again)
			if len(s.ids) != len(calls) {
				t.Fatalf("%s: %d calls, of which %d were sent before", m.Value, len(s.ids), killed)
			}
			if len(failures) == 0 {
				checkSent(t, m, s, good)
				continue
			}
			open := storedLetters(t, m, failures)
			letters += len(open)
			replayKilled(mended, m, open, random.IntN(len(open)+1), s)
			checkSent(t, m, s, good)
			if killed == 0 {
				eachAlone(t, mended, m, open)
			}
		}
	}
	if letters < 300 {
		t.Errorf("only %d letters were replayed", letters)
	}
}

func inOrder(t *testing.T, calls []event.Call) {
	t.Helper()
	if !slices.IsSortedFunc(calls, func(a, b event.Call) int { return int(a.Item - b.Item) }) {
		t.Fatal("calls are not in the order of their events")
	}
}

func storedLetters(t *testing.T, m event.Message, failures []event.Failure) []*deadletter.Letter {
	t.Helper()
	letters, _, err := deadletter.Decode(deadletter.Encode(&event.FailedMessage{Message: m, Failures: failures},
		time.UnixMilli(1_790_000_009_000), "hash"))
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

// replayKilled sends what the letters ask for twice: the first time the replay is killed when so many are resolved.
func replayKilled(rules *mapping.Rules, m event.Message, letters []*deadletter.Letter, resolved int, s *sent) {
	for _, open := range [][]*deadletter.Letter{letters, letters[resolved:]} {
		if len(open) > 0 {
			s.take(replayed(rules, m, open))
		}
	}
}

func replayed(rules *mapping.Rules, m event.Message, letters []*deadletter.Letter) []event.Call {
	m.Ref = newReplayedEvent(letters)
	calls, _ := (&Mapper{rules: rules}).Map(&m)
	return calls
}

// checkSent holds what was sent to two calls for each good event.
func checkSent(t *testing.T, m event.Message, s *sent, good []int) {
	t.Helper()
	var got, want []string
	for _, body := range s.bodies {
		var call struct {
			Name       string
			Attributes struct{ Number int }
		}
		if err := json.Unmarshal([]byte(body), &call); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(call.Attributes.Number, call.Name))
	}
	for _, n := range good {
		want = append(want, fmt.Sprint(n, "first"), fmt.Sprint(n, "second"))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("%s: sent %v, want %v", m.Value, got, want)
	}
}

func eachAlone(t *testing.T, rules *mapping.Rules, m event.Message, letters []*deadletter.Letter) {
	t.Helper()
	for _, l := range letters {
		for _, c := range replayed(rules, m, []*deadletter.Letter{l}) {
			if int(c.Item) != l.Failure.Item || l.Failure.Call != "" && c.ID != l.ID() {
				t.Fatalf("%s: the letter of event %d sends a call of event %d: %s", m.Value, l.Failure.Item, c.Item,
					bytes.ToValidUTF8(c.Body, nil))
			}
		}
	}
}
