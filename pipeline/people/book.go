package people

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Limit is how many people may be new in a time; 0 people are no limit.
type Limit struct {
	People int
	Per    time.Duration
}

// Book knows whom a bridge has met since it was started. It is made by New.
type Book struct {
	known *filter
	all   Limit // of all rules together
	rules map[string]*count
	total count
}

// count is how many were new in the time that goes on.
type count struct {
	since time.Time
	n     int
}

// New makes an empty book with a limit for all rules together.
func New(all Limit) *Book { return &Book{known: newFilter(), all: all, rules: map[string]*count{}} }

// Knows reports whether one of the lanes of a call was met before. Lane gives the i-th of n.
func (b *Book) Knows(n int, lane func(i int) event.Lane) bool {
	known := n == 0
	for i := range n {
		known = b.known.has(lane(i)) || known
	}
	return known
}

// Meet counts a person who is new for a rule with that limit, and remembers the lanes of the call. Where that is one
// too many, it does neither, and returns which rule is to be stopped: the rule itself, or the one that has named most
// where all together are too many.
func (b *Book) Meet(rule string, own Limit, now time.Time, n int, lane func(i int) event.Lane) (over string) {
	its := b.rules[rule]
	if its == nil {
		its = &count{}
		b.rules[rule] = its
	}
	switch {
	case its.full(own, now):
		return rule
	case b.total.full(b.all, now):
		return b.most(rule)
	}
	its.n++
	b.total.n++
	for i := range n {
		b.known.add(lane(i))
	}
	return ""
}

// full begins a new time where the last is over, and reports whether no more may be new.
func (c *count) full(l Limit, now time.Time) bool {
	if l.People == 0 {
		return false
	}
	if now.Sub(c.since) >= l.Per {
		c.since, c.n = now, 0
	}
	return c.n >= l.People
}

// most is the rule that has named most new people.
func (b *Book) most(rule string) string {
	for name, c := range b.rules {
		if c.n > b.rules[rule].n {
			rule = name
		}
	}
	return rule
}

// Resume has all limits count from the beginning. Who was met stays known.
func (b *Book) Resume() {
	clear(b.rules)
	b.total = count{}
}
