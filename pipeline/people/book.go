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
	named map[string]int // of the total, by rule
}

// count is how many were new in the time that goes on.
type count struct {
	since time.Time
	n     int
}

// New makes an empty book with a limit for all rules together.
func New(all Limit) *Book {
	return &Book{known: newFilter(), all: all, rules: map[string]*count{}, named: map[string]int{}}
}

// Knows reports whether one of the lanes of a call was met before. Lane gives the i-th of n.
func (b *Book) Knows(n int, lane func(i int) event.Lane) bool {
	known := n == 0
	for i := range n {
		known = b.known.has(lane(i)) || known
	}
	return known
}

// Meet counts a person who is new for a rule with that limit, and remembers the lanes of the call. Where that is one
// too many, it returns which rule is to be stopped: the rule itself or, where all together are too many, the one that
// has named most of those, whose people do not count among all any more. If that is the rule itself, nothing of the
// call is counted or remembered.
func (b *Book) Meet(rule string, own Limit, now time.Time, n int, lane func(i int) event.Lane) (over string) {
	its := b.rules[rule]
	if its == nil {
		its = &count{}
		b.rules[rule] = its
	}
	its.renew(own, now)
	if b.total.renew(b.all, now) {
		clear(b.named)
	}
	switch {
	case its.full(own):
		return rule
	case b.total.full(b.all):
		over = b.most(rule)
		b.total.n -= b.named[over]
		delete(b.named, over)
		if over == rule {
			return over
		}
	}
	its.n++
	b.total.n++
	b.named[rule]++
	for i := range n {
		b.known.add(lane(i))
	}
	return over
}

// renew begins a new time where there is a limit and the last time is over, and reports whether it has.
func (c *count) renew(l Limit, now time.Time) bool {
	if l.People == 0 || now.Sub(c.since) < l.Per {
		return false
	}
	c.since, c.n = now, 0
	return true
}

// full reports whether no more may be new.
func (c *count) full(l Limit) bool { return l.People > 0 && c.n >= l.People }

// most is the rule that has named most of the total: the one given where no other has named more.
func (b *Book) most(rule string) string {
	for name, n := range b.named {
		if n > b.named[rule] {
			rule = name
		}
	}
	return rule
}

// Resume has all limits count from the beginning. Who was met stays known.
func (b *Book) Resume() {
	clear(b.rules)
	clear(b.named)
	b.total = count{}
}
