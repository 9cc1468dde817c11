package replay

import (
	"cmp"
	"slices"

	"github.com/ciobridge/ciobridge/deadletter"
)

// Progress counts what became of the letters of a replay.
type Progress struct {
	Open   int // letters that were open when the replay began
	Chosen int // by the filter

	Delivered   int // and resolved
	FailedAgain int // with their attempts counted; written again where they failed in another way than before
	Erased      int // and resolved so: a call was not sent, because its person was erased
	Gone        int // taken away by retention before they could be read
	LeftOpen    int // none of these

	// Of those left open; the others were not reached or not finished when the replay was stopped.
	Unmatched   int // today's rules make no call for them
	Destructive int // they need an action that Options.Skip names
	Held        int // they need a workspace that Hold names
	Named       int // today's rules have their rules and calls, and they were to be replayed as others
	WholeRules  int // they are about a whole rule or event, and were to be replayed as one call
	Undecided   int // nobody has decided whether their calls were sent
	Sealed      int // they are sealed under keys that are not at hand
	Truncated   int // they were too large to be kept whole
	Rows        int // they are rows of reports, which no rule makes calls of

	Unreadable int // records of the log that are damaged or of someone else; they are no letters

	// Unresolved letters were delivered, but it could not be written. The next replay sends them again.
	Unresolved int
}

// UnknownRule is a rule, or a call of a rule, that letters ask for by its name and that today's rules do not have.
type UnknownRule struct {
	Rule    string
	Call    string // empty where the whole rule is missing
	Letters int
}

// Progress says how far the replay is.
func (r *Replay) Progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	progress := r.progress
	progress.LeftOpen = progress.Chosen - progress.Delivered - progress.FailedAgain - progress.Erased -
		progress.Gone
	return progress
}

// UnknownRules lists, by name, the rules and calls that the unmatched letters ask for and that today's rules do not
// have.
func (r *Replay) UnknownRules() []UnknownRule {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]UnknownRule, 0, len(r.unknown))
	for m, n := range r.unknown {
		m.Letters = n
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b UnknownRule) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Call, b.Call))
	})
	return list
}

// count changes the progress.
func (r *Replay) count(change func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.progress)
}

// resolutionsOf counts what has become of an event's letters and returns their resolutions. The caller holds mu.
func (r *Replay) resolutionsOf(e *replayedEvent) []deadletter.Resolution {
	resolved, unmatched := e.resolutions(&r.progress, r.countIn)
	for _, l := range unmatched {
		w := r.Mapper().wishOf(l)
		isRule, isCall := r.rules.Names(w.rule, w.call)
		switch {
		case w.rule == "":
		case !isRule:
			r.unknown[UnknownRule{Rule: w.rule}]++
		case w.call != "" && !isCall:
			r.unknown[UnknownRule{Rule: w.rule, Call: w.call}]++
		}
	}
	return resolved
}
