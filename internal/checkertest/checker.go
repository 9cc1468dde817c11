package checkertest

import (
	"fmt"
	"sort"
)

type key struct {
	person string
	seq    int
}

// judge collects what a history says of each event.
type judge struct {
	Report
	limits    Limits
	published map[key]bool // value: certain
	accepted  map[key]int
	settled   map[key]bool
	dead      map[key]bool
	identity  map[key]Receipt
	owner     map[string]key
}

// Check judges a history.
func Check(h History, l Limits) Report {
	j := &judge{
		limits: l, published: map[key]bool{}, accepted: map[key]int{}, settled: map[key]bool{}, dead: map[key]bool{},
		identity: map[key]Receipt{}, owner: map[string]key{},
	}
	for _, p := range h.Published {
		k := key{p.Person, p.Seq}
		j.published[k] = j.published[k] || !p.Unknown
	}
	for _, s := range h.DeadLetters {
		j.settle(s, true)
	}
	for _, s := range h.Skipped {
		j.settle(s, false)
	}
	j.receipts(h.Receipts)
	j.order(h)
	j.complete()
	for person, seq := range h.Final {
		if want := j.last(person); want != seq {
			j.problem(Final, key{person, seq}, "want the state of #%d", want)
		}
	}
	sort.SliceStable(j.Problems, func(a, b int) bool { return j.Problems[a].Kind < j.Problems[b].Kind })
	return j.Report
}

func (j *judge) problem(kind Kind, k key, format string, args ...any) {
	j.Problems = append(j.Problems, Problem{kind, k.person, k.seq, fmt.Sprintf(format, args...)})
}

func (j *judge) settle(s Settled, dead bool) {
	k := key{s.Person, s.Seq}
	if _, ok := j.published[k]; !ok {
		j.problem(Phantom, k, "settled, but never published")
	}
	j.settled[k] = true
	j.dead[k] = j.dead[k] || dead
}

func (j *judge) receipts(receipts []Receipt) {
	for _, r := range receipts {
		k := key{r.Person, r.Seq}
		if _, ok := j.published[k]; !ok {
			j.problem(Phantom, k, "received, but never published")
			continue
		}
		if first, ok := j.identity[k]; !ok {
			j.identity[k] = r
		} else if first.ID != r.ID || first.Body != r.Body {
			j.problem(Changed, k, "two attempts differ: id %q and %q", first.ID, r.ID)
		}
		if r.ID != "" {
			if owner, ok := j.owner[r.ID]; ok && owner != k {
				j.problem(Changed, k, "shares the id %s with %s #%d", r.ID, owner.person, owner.seq)
			}
			j.owner[r.ID] = k
		}
		if !r.Taken {
			continue
		}
		j.accepted[k]++
		if j.accepted[k] > 1 {
			j.Repeats++
		}
	}
	if j.limits.Repeats >= 0 && j.Repeats > j.limits.Repeats {
		j.problem(Repeated, key{}, "%d accepted receipts are repeats, %d are allowed", j.Repeats, j.limits.Repeats)
	}
}

// order walks each person's accepted calls: the next is the successor of the last, or, where fallbacks are allowed, an
// earlier one from which the replay goes forward.
func (j *judge) order(h History) {
	next := successors(h.Published, j)
	last := map[string]int{}
	for _, r := range h.Receipts {
		k := key{r.Person, r.Seq}
		if _, ok := j.published[k]; !ok || !r.Taken {
			continue
		}
		at := last[r.Person]
		switch {
		case r.Seq > at && !next.reaches(r.Person, at, r.Seq):
			j.problem(OutOfOrder, k, "accepted right after #%d", at)
		case r.Seq <= at && !j.limits.Fallbacks:
			j.problem(OutOfOrder, k, "accepted after #%d", at)
		}
		last[r.Person] = r.Seq
	}
}

// chain holds each person's sequence of events that had to be delivered.
type chain map[string][]int

func successors(published []Published, j *judge) chain {
	c := chain{}
	for _, p := range published {
		c[p.Person] = append(c[p.Person], p.Seq)
	}
	for person := range c {
		sort.Ints(c[person])
	}
	return c.without(j)
}

// without leaves out the events that need no delivery: settled otherwise, or perhaps never stored by the broker.
func (c chain) without(j *judge) chain {
	for person, seqs := range c {
		kept := seqs[:0]
		for _, s := range seqs {
			k := key{person, s}
			if j.published[k] && !j.settled[k] {
				kept = append(kept, s)
			}
		}
		c[person] = kept
	}
	return c
}

// reaches reports whether nothing that had to be delivered stands between two events of a person.
func (c chain) reaches(person string, from, to int) bool {
	seqs := c[person]
	i := sort.SearchInts(seqs, from+1)
	return i == len(seqs) || seqs[i] >= to
}

func (j *judge) complete() {
	for k, certain := range j.published {
		if certain {
			j.Events++
		}
		accepted := j.accepted[k] > 0
		if accepted {
			j.Accepted++
		}
		if certain && !accepted && !j.settled[k] {
			j.problem(Lost, k, "neither accepted nor settled")
		}
		if accepted && j.dead[k] {
			j.problem(Both, k, "accepted and dead-lettered")
		}
	}
}

// last is the newest of a person's events that was accepted.
func (j *judge) last(person string) int {
	newest := 0
	for k := range j.accepted {
		if k.person == person && k.seq > newest {
			newest = k.seq
		}
	}
	return newest
}
