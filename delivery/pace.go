package delivery

import "time"

// pace spreads requests evenly at the rate allowed. The rate halves when the destination asks for less and climbs back by a fixed
// step for every second in which requests are accepted.
type pace struct {
	budget  float64 // requests a second of the whole workspace
	ceiling float64 // this replica's share of it
	rate    float64 // what is allowed now
	next    time.Time
	slowed  time.Time
	climbed time.Time
}

const (
	climbSteps = 20 // from nothing to the ceiling
	leastRate  = 1  // requests a second, unless the ceiling itself is lower
	adjustment = time.Second

	// lateness is by how much a turn may be late without moving those after it. Timers are, and a rate that every late request
	// lowered would never be reached.
	lateness = 5 * time.Millisecond
)

func newPace(budget int) pace {
	b := float64(budget)
	return pace{budget: b, ceiling: b, rate: b}
}

// reserve takes the next turn and says when it is.
func (p *pace) reserve(now time.Time) time.Time {
	turn := p.next
	if turn.Before(now.Add(-lateness)) {
		turn = now
	}
	p.next = turn.Add(time.Duration(float64(time.Second) / p.rate))
	return turn
}

// slow halves the rate, at most once a second: what fails together is one request for less.
func (p *pace) slow(now time.Time) {
	if now.Sub(p.slowed) < adjustment {
		return
	}
	p.slowed, p.climbed = now, now
	p.rate = max(p.rate/2, min(leastRate, p.ceiling))
}

// climb raises the rate after a request was accepted.
func (p *pace) climb(now time.Time) {
	if p.rate >= p.ceiling || now.Sub(p.climbed) < adjustment {
		return
	}
	p.climbed = now
	p.rate = min(p.rate+p.ceiling/climbSteps, p.ceiling)
}

// share divides the budget among so many replicas. A rate that was lowered stays lowered in proportion.
func (p *pace) share(replicas int) {
	lowered := p.rate / p.ceiling
	p.ceiling = p.budget / float64(max(replicas, 1))
	p.rate = p.ceiling * lowered
}
