package consumer

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// randomSettled makes spans past a floor.
func randomSettled(r *rand.Rand, floor int64, n int) settled {
	var s settled
	end := floor
	for range n {
		from := end + 1 + r.Int64N(300)
		end = from + 1 + r.Int64N(300)
		s = append(s, span{from, end})
	}
	return s
}

func TestSettledTextHoldsTheFirstSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		floor := r.Int64N(1 << 40)
		want := randomSettled(r, floor, r.IntN(200))
		limit := r.IntN(900)
		text := want.encode("log", floor, limit)
		got := decodeSettled("log", floor, text)
		if len(text) > limit || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
			t.Fatalf("%d spans became %d bytes of %d and then %v", len(want), len(text), limit, got)
		}
		if len(got) < len(want) && limit > 20 && len(text) < limit-8 { // a span takes less than six bytes here
			t.Fatalf("%d of %d spans although %d of %d bytes are used", len(got), len(want), len(text), limit)
		}
	}
}

func TestSettledTextThatSaysNothing(t *testing.T) {
	done := settled{{12, 20}, {30, 31}}
	text := done.encode("log", 10, 4096)
	if got := decodeSettled("log", 10, text); !slices.Equal(got, done) {
		t.Fatalf("read %v", got)
	}
	for name, got := range map[string]settled{
		"another log":     decodeSettled("other", 10, text),
		"another floor":   decodeSettled("log", 11, text),
		"another version": decodeSettled("log", 10, "2"+text[1:]),
		"cut off":         decodeSettled("log", 10, text[:len(text)-2]),
		"longer":          decodeSettled("log", 10, text+"AA"),
		"nothing":         decodeSettled("log", 10, ""),
		"foreign":         decodeSettled("log", 10, "leader=host-1"),
	} {
		if got != nil {
			t.Errorf("%s is read as %v", name, got)
		}
	}
	far := settled{{math.MaxInt64 - 2, math.MaxInt64}}
	if got := decodeSettled("log", 0, far.encode("log", 0, 100)); !slices.Equal(got, far) {
		t.Errorf("the largest offsets are read as %v", got)
	}
}

// Whatever text stands where spans are expected: it is read as nothing, or as spans that are in order and are written as the same text.
func FuzzDecodeSettled(f *testing.F) {
	f.Add(int64(10), settled{{10, 11}, {20, 300}}.encode("log", 10, 4096), []byte{0, 1, 5, 5})
	f.Add(int64(math.MaxInt64), "1.AAAA", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1})
	f.Add(int64(-1), "1.", []byte{0x80, 0})
	f.Fuzz(func(t *testing.T, floor int64, text string, spans []byte) {
		sealed := make([]byte, 4, 4+len(spans)) // with a checksum that fits
		sum := settledSum("log", floor, spans)
		sealed[0], sealed[1], sealed[2], sealed[3] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
		for _, text := range []string{text, settledVersion + settledEncoding.EncodeToString(append(sealed, spans...))} {
			got := decodeSettled("log", floor, text)
			end := floor
			for i, sp := range got {
				if sp.from < end || i > 0 && sp.from == end || sp.to <= sp.from {
					t.Fatalf("%q from %d on is read as %v", text, floor, got)
				}
				end = sp.to
			}
			if got != nil && got.encode("log", floor, len(text)) != text {
				t.Fatalf("%q is read as %v, which is written as another text", text, got)
			}
		}
	})
}

func TestSettledCursor(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		done := randomSettled(r, 0, r.IntN(20))
		c := settledCursor{done: done}
		for at := int64(0); at < 7000; at += r.Int64N(100) {
			if r.IntN(30) == 0 {
				at = r.Int64N(at + 1) // back
			}
			want := slices.ContainsFunc(done, func(sp span) bool { return sp.from <= at && at < sp.to })
			if got := c.has(at); got != want {
				t.Fatalf("%d among %v: %v", at, done, got)
			}
		}
	}
}

// What the ledger tells of itself is what a slow and obvious model says, also where it went on from what another had done.
func TestLedgerTellsWhatIsSettled(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		earlier := randomSettled(r, 5, r.IntN(10))
		l := newLedger(5, 10_000)
		l.resume(earlier)
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
				if m.done = l.already(m.offset); m.done {
					l.settle(m.ticket)
				}
				log, next = append(log, m), m.offset+1
			} else {
				i := max(0, len(log)-1-r.IntN(40))
				l.settle(log[i].ticket)
				log[i].done = true
			}
			floor, got, news := l.settled(nil)
			if news < last || floor != l.floor() {
				t.Fatalf("seed %d: news went from %d to %d, floor %d and %d", seed, last, news, floor, l.floor())
			}
			last = news
			c := settledCursor{done: got}
			for _, m := range log {
				if done := m.offset < floor || c.has(m.offset); done != m.done {
					t.Fatalf("seed %d: offset %d, floor %d: done %v, want %v (%v)", seed, m.offset, floor, done, m.done, got)
				}
			}
			for _, sp := range earlier {
				if sp.to > next && !(c.has(max(sp.from, next)) && c.has(sp.to-1)) {
					t.Fatalf("seed %d: %v, done earlier, is not in %v", seed, sp, got)
				}
			}
			for i, sp := range got {
				if sp.to <= sp.from || sp.from < floor || i > 0 && sp.from <= got[i-1].to {
					t.Fatalf("seed %d: spans %v past %d", seed, got, floor)
				}
			}
		}
	}
}

// One bridge after another reads the same log and is killed. Messages of a person are delivered in order, those of all persons in any
// order. Whoever comes next leaves out what is recorded as done: for every person the deliveries go on at a place that was delivered
// or is the next one, everything is delivered, and nothing is repeated but what was not recorded.
func TestSettledKeepsEachPersonsOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		const messages = 400
		persons := make([]int, messages)
		for i := range persons {
			persons[i] = r.IntN(1 + r.IntN(40))
		}
		limit := 20 + r.IntN(400)
		sim := settledSim{t: t, seed: seed, r: r, persons: persons, delivered: make([]bool, messages), at: map[int]int{}}
		floor, text := int64(0), ""
		for lives := 0; floor < messages; lives++ {
			if lives > 500 {
				t.Fatalf("seed %d: stuck at %d", seed, floor)
			}
			floor, text = sim.live(floor, text, limit)
		}
		if i := slices.Index(sim.delivered, false); i >= 0 {
			t.Fatalf("seed %d: message %d was left out", seed, i)
		}
	}
}

type settledSim struct {
	t         *testing.T
	seed      uint64
	r         *rand.Rand
	persons   []int // whom a message concerns
	delivered []bool
	at        map[int]int // the last message that was delivered for a person
}

// live reads from what was committed, until it is killed, and returns what it has committed.
func (s *settledSim) live(floor int64, text string, limit int) (int64, string) {
	l := newLedger(floor, 100)
	known := decodeSettled("log", floor, text)
	l.resume(known)
	recorded := settledCursor{done: known}
	queues, tickets := map[int][]int64{}, map[int64]uint64{}
	var busy []int
	next := floor
	for range 20 + s.r.IntN(300) {
		switch n, _ := l.inHand(); {
		case s.r.IntN(2) == 0 && next < int64(len(s.persons)) && n < 100:
			ticket, err := l.add(context.Background(), next, time.Now())
			if err != nil {
				s.t.Fatal(err)
			}
			if l.already(next) {
				l.settle(ticket)
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
				return floor, text // killed while it is on the wire
			}
			queues[person] = queues[person][1:]
			busy = slices.Delete(busy, i, i+1)
			l.settle(tickets[offset])
		case s.r.IntN(4) == 0:
			var done settled
			floor, done, _ = l.settled(nil)
			text = done.encode("log", floor, limit)
		}
	}
	return floor, text
}

func (s *settledSim) deliver(person int, offset int64, recorded bool) {
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

func BenchmarkLedgerSettled(b *testing.B) {
	l := newLedger(0, 10_000)
	for i := range int64(10_000) {
		ticket, err := l.add(context.Background(), i, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		if i%10 != 0 {
			l.settle(ticket)
		}
	}
	var done settled
	b.ReportAllocs()
	for b.Loop() {
		_, done, _ = l.settled(done[:0])
		_ = done.encode("log", 0, 4000)
	}
}
