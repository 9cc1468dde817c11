package checkertest

import "testing"

// good is a history in which nothing is wrong: two persons, one dead letter, one skip.
func good() History {
	h := History{Final: map[string]int{"a": 4, "b": 2}}
	for s := 1; s <= 4; s++ {
		h.Published = append(h.Published, Published{Person: "a", Seq: s})
	}
	h.Published = append(h.Published, Published{Person: "b", Seq: 1}, Published{Person: "b", Seq: 2},
		Published{Person: "b", Seq: 3})
	for _, r := range []Receipt{
		{Person: "a", Seq: 1, ID: "A1"}, {Person: "b", Seq: 1, ID: "B1"}, {Person: "a", Seq: 2, ID: "A2"},
		{Person: "a", Seq: 4, ID: "A4"}, {Person: "b", Seq: 2, ID: "B2"},
	} {
		r.Taken = true
		h.Receipts = append(h.Receipts, r)
	}
	h.DeadLetters = []Settled{{"a", 3}}
	h.Skipped = []Settled{{"b", 3}}
	return h
}

func TestGoodHistory(t *testing.T) {
	r := Check(good(), Limits{})
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if r.Events != 7 || r.Accepted != 5 || r.Repeats != 0 {
		t.Fatalf("got %+v", r)
	}
}

func TestFallbackIsReplayedForward(t *testing.T) {
	h := good()
	h.Receipts = append(h.Receipts, h.Receipts[2], h.Receipts[3]) // a falls back to 2, then 4 (3 is a dead letter)
	if err := Check(h, Limits{Fallbacks: true, Repeats: 2}).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestUnacknowledgedEventMayBeMissing(t *testing.T) {
	h := good()
	h.Published = append(h.Published, Published{Person: "b", Seq: 4, Unknown: true})
	if err := Check(h, Limits{}).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestBrokenHistories proves that the checker can fail: each history is broken in one way and must be found out.
func TestBrokenHistories(t *testing.T) {
	fallbacks := Limits{Fallbacks: true, Repeats: -1}
	cases := []struct {
		name   string
		limits Limits
		want   Kind
		damage func(*History)
	}{
		{"a receipt is missing", Limits{}, Lost, func(h *History) { h.Receipts = h.Receipts[:4] }},
		{"a receipt was refused", Limits{}, Lost, func(h *History) { h.Receipts[4].Taken = false }},
		{"a dead letter is missing", Limits{}, Lost, func(h *History) { h.DeadLetters = nil }},
		{"two receipts are swapped", Limits{}, OutOfOrder, func(h *History) {
			h.Receipts[0],
				h.Receipts[2] = h.Receipts[2], h.Receipts[0]
		}},
		{"a swap hides behind allowed fallbacks", fallbacks, OutOfOrder,
			func(h *History) { h.Receipts[0], h.Receipts[2] = h.Receipts[2], h.Receipts[0] }},
		{"a fallback without permission", Limits{Repeats: -1}, OutOfOrder,
			func(h *History) { h.Receipts = append(h.Receipts, h.Receipts[0]) }},
		{"a fallback skips on its way forward", fallbacks, OutOfOrder, func(h *History) {
			h.Receipts = append(h.Receipts, h.Receipts[0], h.Receipts[3])
		}},
		{"more repeats than allowed", Limits{Fallbacks: true, Repeats: 1}, Repeated, func(h *History) {
			h.Receipts = append(h.Receipts, h.Receipts[2], h.Receipts[3])
		}},
		{"a receipt nobody published", Limits{}, Phantom, func(h *History) {
			h.Receipts = append(h.Receipts, Receipt{Person: "z", Seq: 1, Taken: true})
		}},
		{"a dead letter nobody published", Limits{}, Phantom,
			func(h *History) { h.DeadLetters = append(h.DeadLetters, Settled{"z", 9}) }},
		{"a new id on a retry", fallbacks, Changed, func(h *History) {
			h.Receipts = append(h.Receipts, Receipt{Person: "b", Seq: 2, ID: "other", Taken: true})
		}},
		{"another body on a retry", fallbacks, Changed, func(h *History) {
			h.Receipts = append(h.Receipts, Receipt{Person: "b", Seq: 2, ID: "B2", Body: "other", Taken: true})
		}},
		{"two events share an id", Limits{}, Changed, func(h *History) { h.Receipts[2].ID = "A1" }},
		{"delivered and dead-lettered", Limits{}, Both, func(h *History) {
			h.DeadLetters = append(h.DeadLetters,
				Settled{"a", 2})
		}},
		{"the last state is an old one", Limits{}, Final, func(h *History) { h.Final["a"] = 2 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := good()
			c.damage(&h)
			for _, p := range Check(h, c.limits).Problems {
				if p.Kind == c.want {
					return
				}
			}
			t.Fatalf("not found out as %q: %v", c.want, Check(h, c.limits).Problems)
		})
	}
}
