package consumer

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// randomSettled makes spans past a committable offset.
func randomRanges(r *rand.Rand, committable int64, n int) AckedRanges {
	var s AckedRanges
	end := committable
	for range n {
		from := end + 1 + r.Int64N(300)
		end = from + 1 + r.Int64N(300)
		s = append(s, Range{from, end})
	}
	return s
}

func TestAckedRangesTextHoldsTheFirst(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		committable := r.Int64N(1 << 40)
		want := randomRanges(r, committable, r.IntN(200))
		limit := r.IntN(900)
		text := want.Encode("log", committable, limit)
		got := DecodeAckedRanges("log", committable, text)
		if len(text) > limit || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
			t.Fatalf("%d spans became %d bytes of %d and then %v", len(want), len(text), limit, got)
		}
		if len(got) < len(want) && limit > 20 && len(text) < limit-8 { // a span takes less than six bytes here
			t.Fatalf("%d of %d spans although %d of %d bytes are used", len(got), len(want), len(text), limit)
		}
	}
}

func TestAckedRangesTextThatSaysNothing(t *testing.T) {
	done := AckedRanges{{12, 20}, {30, 31}}
	text := done.Encode("log", 10, 4096)
	if got := DecodeAckedRanges("log", 10, text); !slices.Equal(got, done) {
		t.Fatalf("read %v", got)
	}
	for name, got := range map[string]AckedRanges{
		"another log":         DecodeAckedRanges("other", 10, text),
		"another committable": DecodeAckedRanges("log", 11, text),
		"another version":     DecodeAckedRanges("log", 10, "2"+text[1:]),
		"cut off":             DecodeAckedRanges("log", 10, text[:len(text)-2]),
		"longer":              DecodeAckedRanges("log", 10, text+"AA"),
		"nothing":             DecodeAckedRanges("log", 10, ""),
		"foreign":             DecodeAckedRanges("log", 10, "leader=host-1"),
	} {
		if got != nil {
			t.Errorf("%s is read as %v", name, got)
		}
	}
	far := AckedRanges{{math.MaxInt64 - 2, math.MaxInt64}}
	if got := DecodeAckedRanges("log", 0, far.Encode("log", 0, 100)); !slices.Equal(got, far) {
		t.Errorf("the largest offsets are read as %v", got)
	}
}

// Whatever text stands where spans are expected: it is read as nothing, or as spans that are in order and are written
// as the same text.
func FuzzDecodeAckedRanges(f *testing.F) {
	f.Add(int64(10), AckedRanges{{10, 11}, {20, 300}}.Encode("log", 10, 4096), []byte{0, 1, 5, 5})
	f.Add(int64(math.MaxInt64), "1.AAAA", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1})
	f.Add(int64(-1), "1.", []byte{0x80, 0})
	f.Fuzz(func(t *testing.T, committable int64, text string, spans []byte) {
		sealed := make([]byte, 4, 4+len(spans)) // with a checksum that fits
		sum := rangesSum("log", committable, spans)
		sealed[0], sealed[1], sealed[2], sealed[3] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
		for _, text := range []string{text, rangesVersion + rangesEncoding.EncodeToString(append(sealed, spans...))} {
			got := DecodeAckedRanges("log", committable, text)
			end := committable
			for i, sp := range got {
				if sp.From < end || i > 0 && sp.From == end || sp.To <= sp.From {
					t.Fatalf("%q from %d on is read as %v", text, committable, got)
				}
				end = sp.To
			}
			if got != nil && got.Encode("log", committable, len(text)) != text {
				t.Fatalf("%q is read as %v, which is written as another text", text, got)
			}
		}
	})
}

func TestRangeCursor(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		done := randomRanges(r, 0, r.IntN(20))
		c := rangeCursor{ranges: done}
		for at := int64(0); at < 7000; at += r.Int64N(100) {
			if r.IntN(30) == 0 {
				at = r.Int64N(at + 1) // back
			}
			want := slices.ContainsFunc(done, func(sp Range) bool { return sp.From <= at && at < sp.To })
			if got := c.has(at); got != want {
				t.Fatalf("%d among %v: %v", at, done, got)
			}
		}
	}
}

// What the tracker tells of itself is what a slow and obvious model says, also where it went on from what another had
// done.
func TestTrackerTellsWhatIsAcked(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		earlier := randomRanges(r, 5, r.IntN(10))
		l := NewTracker(5, 10_000)
		l.Resume(earlier)
		type message struct {
			offset int64
			ticket uint64
			done   bool
		}
		var log []message
		next, last := int64(5), uint64(0)
		for range 600 {
			if len(log) == 0 || r.IntN(2) == 0 {
				m := message{offset: next + r.Int64N(4), done: false}
				m.ticket = mustAdd(t, l, m.offset)
				if m.done = l.AlreadyAcked(m.offset); m.done {
					l.Ack(m.ticket)
				}
				log, next = append(log, m), m.offset+1
			} else {
				i := max(0, len(log)-1-r.IntN(40))
				l.Ack(log[i].ticket)
				log[i].done = true
			}
			committable, got, news := l.Acked(nil)
			if news < last || committable != l.Committable() {
				t.Fatalf("seed %d: news went from %d to %d, committable %d and %d", seed, last, news, committable,
					l.Committable())
			}
			last = news
			c := rangeCursor{ranges: got}
			for _, m := range log {
				if done := m.offset < committable || c.has(m.offset); done != m.done {
					t.Fatalf("seed %d: offset %d, committable %d: done %v, want %v (%v)",
						seed, m.offset, committable, done, m.done, got)
				}
			}
			for _, sp := range earlier {
				if sp.To > next && !(c.has(max(sp.From, next)) && c.has(sp.To-1)) {
					t.Fatalf("seed %d: %v, done earlier, is not in %v", seed, sp, got)
				}
			}
			for i, sp := range got {
				if sp.To <= sp.From || sp.From < committable || i > 0 && sp.From <= got[i-1].To {
					t.Fatalf("seed %d: spans %v past %d", seed, got, committable)
				}
			}
		}
	}
}

// One bridge after another reads the same log and is killed. Messages of a person are delivered in order, those of all
// persons in any order. Whoever comes next leaves out what is recorded as done: for every person the deliveries go on
// at a place that was delivered or is the next one, everything is delivered, and nothing is repeated but what was not
// recorded.
func TestAckedRangesKeepEachPersonsOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		const messages = 400
		persons := make([]int, messages)
		for i := range persons {
			persons[i] = r.IntN(1 + r.IntN(40))
		}
		limit := 20 + r.IntN(400)
		sim := rangesSim{t: t, seed: seed, r: r, persons: persons, delivered: make([]bool, messages), at: map[int]int{}}
		committable, text := int64(0), ""
		for lives := 0; committable < messages; lives++ {
			if lives > 500 {
				t.Fatalf("seed %d: stuck at %d", seed, committable)
			}
			committable, text = sim.live(committable, text, limit)
		}
		if i := slices.Index(sim.delivered, false); i >= 0 {
			t.Fatalf("seed %d: message %d was left out", seed, i)
		}
	}
}

type rangesSim struct {
	t         *testing.T
	seed      uint64
	r         *rand.Rand
	persons   []int // whom a message concerns
	delivered []bool
	at        map[int]int // the last message that was delivered for a person
}

// live reads from what was committed, until it is killed, and returns what it has committed.
func (s *rangesSim) live(committable int64, text string, limit int) (int64, string) {
	l := NewTracker(committable, 100)
	known := DecodeAckedRanges("log", committable, text)
	l.Resume(known)
	recorded := rangeCursor{ranges: known}
	queues, tickets := map[int][]int64{}, map[int64]uint64{}
	var busy []int
	next := committable
	for range 20 + s.r.IntN(300) {
		switch n, _ := l.InFlight(); {
		case s.r.IntN(2) == 0 && next < int64(len(s.persons)) && n < 100:
			ticket, err := l.Track(context.Background(), next, time.Now())
			if err != nil {
				s.t.Fatal(err)
			}
			if l.AlreadyAcked(next) {
				l.Ack(ticket)
			} else {
				person := s.persons[next]
				queues[person], tickets[next] = append(queues[person], next), ticket
				busy = append(busy, person)
			}
			next++
		case s.r.IntN(3) > 0 && len(busy) > 0:
			i := s.r.IntN(len(busy))
			person := busy[i]
			offset := queues[person][0]
			s.deliver(person, offset, recorded.has(offset))
			if s.r.IntN(10) == 0 {
				return committable, text // killed while it is on the wire
			}
			queues[person] = queues[person][1:]
			busy = slices.Delete(busy, i, i+1)
			l.Ack(tickets[offset])
		case s.r.IntN(4) == 0:
			var done AckedRanges
			committable, done, _ = l.Acked(nil)
			text = done.Encode("log", committable, limit)
		}
	}
	return committable, text
}

func (s *rangesSim) deliver(person int, offset int64, recorded bool) {
	if recorded {
		s.t.Fatalf("seed %d: message %d is repeated although it was recorded", s.seed, offset)
	}
	last, any := s.at[person]
	for i := int(offset) - 1; i >= 0 && (!any || i > last); i-- {
		if s.persons[i] == person {
			s.t.Fatalf("seed %d: person %d goes from message %d to %d over %d", s.seed, person, last, offset, i)
		}
	}
	s.at[person], s.delivered[offset] = int(offset), true
}

func BenchmarkTrackerAcked(b *testing.B) {
	l := NewTracker(0, 10_000)
	for i := range int64(10_000) {
		ticket, err := l.Track(context.Background(), i, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		if i%10 != 0 {
			l.Ack(ticket)
		}
	}
	var done AckedRanges
	b.ReportAllocs()
	for b.Loop() {
		_, done, _ = l.Acked(done[:0])
		_ = done.Encode("log", 0, 4000)
	}
}
