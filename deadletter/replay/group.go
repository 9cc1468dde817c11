package replay

import (
	"cmp"
	"slices"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Became is what became of a letter.
type Became string

// What may become of a letter. In a dry run it is what would.
const (
	BecameDelivered   Became = "delivered"
	BecameFailedAgain Became = "failed_again"
	BecameErased      Became = "erased"
	BecameLeftOpen    Became = "left_open"
)

// Group counts letters of which the same became for the same reason. Of letters that failed again rule, reason and the
// rest are those of the new failure; of all others, those of the letters.
type Group struct {
	Became  Became       `json:"became"`
	Rule    string       `json:"rule,omitempty"`
	Reason  event.Reason `json:"reason"`
	Field   string       `json:"field,omitempty"`
	Detail  string       `json:"detail,omitempty"`
	Letters int          `json:"letters"`
}

// mostGroups bounds how many are told apart. What comes then is counted without its field and detail.
const mostGroups = 500

// groupOf is the group of a letter, or failure, without a number of letters.
func groupOf(became Became, f *event.Failure) Group {
	return Group{Became: became, Rule: f.Rule, Reason: f.Reason, Field: f.Field, Detail: f.Detail}
}

// countIn counts a letter. The caller holds mu.
func (r *Replay) countIn(g Group) {
	if _, known := r.groups[g]; !known && len(r.groups) >= mostGroups {
		g.Field, g.Detail = "", ""
	}
	r.groups[g]++
}

// leave counts a letter that is left open before it is tried.
func (r *Replay) leave(l *deadletter.Letter, change func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.progress)
	r.countIn(groupOf(BecameLeftOpen, &l.Failure))
}

// Groups lists what became of the letters that were tried, by outcome, and the largest group of each first.
func (r *Replay) Groups() []Group {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Group, 0, len(r.groups))
	for g, n := range r.groups {
		g.Letters = n
		list = append(list, g)
	}
	order := []Became{BecameDelivered, BecameFailedAgain, BecameErased, BecameLeftOpen}
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Became), slices.Index(order, b.Became)),
			cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Field, b.Field), cmp.Compare(a.Detail, b.Detail))
	})
	return list
}
