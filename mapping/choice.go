package mapping

import (
	"encoding/json"
	"strconv"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/explain"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Choice has data say which of several steps is taken.
type Choice struct {
	By   Term     // gives the word of a step
	Of   []Action // each with words of its own
	Else string   // of any other value: skip, dead_letter, which is the default, or the word whose step it has, too
}

// written is a step as a rule has it, and the choice that it belongs to.
type written struct {
	*Action
	where string  // its path
	in    *Action // the choice; nil for none
	of    int     // the place of that in the list of steps
}

// steps lists the steps of a rule, each choice before the steps of which it is one.
func (r *Rule) steps() (list []written) {
	for i := range r.Do {
		step, of := &r.Do[i], len(list)
		where := r.place(indexed("do", i)).Path
		list = append(list, written{Action: step, where: where})
		if step.Choice == nil {
			continue
		}
		for j := range step.Choice.Of {
			list = append(list, written{&step.Choice.Of[j], where + "." + indexed("any_of", j), step, of})
		}
	}
	return list
}

// otherwise finds the step of any other value, once the choice has its steps.
func (b *compiler) otherwise(of *action, from written) {
	word, its := from.Choice.Else, of.chooser
	if word == "" || word == string(Skip) || word == string(DeadLetter) {
		return
	}
	if its.other = its.of[word]; its.other == nil {
		known := append([]string{string(Skip), string(DeadLetter)}, its.words...)
		b.Add(from.Pos.With(from.where+".else"), "is no word of a step of any_of, and neither skip nor dead_letter%s",
			choice.Near(word, known))
	}
}

// Step is a step of a rule: an action, or a choice between some, which then follow it.
type Step struct {
	Call        string // its name
	Pos         Position
	Choice      bool
	Alternative bool // of which the choice before it takes one
	If          bool // it has a condition
}

// Steps are those of a rule, in their order.
func (r *Rule) Steps() (list []Step) {
	steps := r.steps()
	for i, name := range callNames(steps) {
		s := &steps[i]
		list = append(list, Step{name, s.Pos.With(s.where), s.Choice != nil, s.in != nil, !s.If.IsZero()})
	}
	return list
}

// Workspaces are the names of those to which the rule and its calls go. They may be there several times.
func (r *Rule) Workspaces() []string {
	names := []string{r.Workspace}
	for _, s := range r.steps() {
		names = append(names, s.Workspace)
	}
	return names
}

// callNames names the calls of a rule: by what was written, else by action, literal name and ordinal among equals, so
// that a call inserted above does not change the names of others. A choice has a name, too, by which letters know it.
func callNames(steps []written) []string {
	names := make([]string, len(steps))
	seen := map[string]int{}
	for i, s := range steps {
		if s.Call != "" {
			names[i] = s.Call
			continue
		}
		name := "action"
		if s.Choice == nil {
			name = s.Action.Action.Operation().Name
		}
		var literal string
		if json.Unmarshal([]byte(s.Name.Literal), &literal) == nil {
			name += ":" + literal
		}
		if seen[name]++; seen[name] > 1 {
			name += "#" + strconv.Itoa(seen[name])
		}
		names[i] = name
	}
	return names
}

// chooser finds the step that an event asks for.
type chooser struct {
	by    *expr.Program
	of    map[string]*action
	words []string // in their order
	skip  bool     // any other value is left out
	other *action  // or has the step of another word
}

// choice compiles a choice. The steps of which it is one are added by alternative.
func (b *compiler) choice(r *Rule, from written, call string) *action {
	c := &actionCompiler{compiler: b, rule: r, from: from.Action, where: from.where, out: &action{
		Step: event.Step{Rule: r.Name, Call: call}, key: keyOf(r.IDScope, r.Name, call)}}
	its := from.Choice
	c.workspace()
	c.repeats()
	c.out.chooser = &chooser{by: c.program(its.By, c.where+".action", c.vars...), of: map[string]*action{},
		skip: its.Else == string(Skip)}
	if its.By.IsZero() {
		c.wrong("action", "is missing: want an expression that gives the word of one of the steps of any_of")
	}
	if len(its.Of) == 0 {
		c.wrong("any_of", "is missing or empty: list the steps of which the action is one")
	}
	switch {
	case from.Action.Action != 0:
		c.wrong("", "chooses between actions, and names one itself: give %s an element of its own, or one of any_of",
			from.Action.Action.Operation().Name)
	case len(from.Is) > 0:
		c.wrong("is", "is for the steps of any_of")
	case len(from.Erase) > 0:
		c.wrong("erase", "belongs to the steps of any_of that set attributes")
	}
	return c.out
}

// alternative adds a step to the choice that it belongs to.
func (b *compiler) alternative(of *action, from written, a *action) {
	at := func(field string) Position { return from.Pos.With(mistake.Join(from.where, field)) }
	its := of.chooser
	a.of = of
	if !from.in.Each.IsZero() && !from.Each.IsZero() {
		b.Add(at("each"), "the choice has an each of its own: leave one of them out")
	}
	words := from.Is
	if len(words) == 0 {
		words = []string{a.op.Name}
	}
	for _, word := range words {
		switch {
		case word == "":
			b.Add(at("is"), "is empty: want a word")
		case its.of[word] != nil && len(from.Is) == 0:
			b.Add(at(""), "another step of the choice is chosen by %q: name the words of each with is", word)
		case its.of[word] != nil:
			b.Add(at("is"), "another step of the choice is chosen by %q, or it is there twice", word)
		default:
			its.of[word] = a
			its.words = append(its.words, word)
		}
	}
}

// holds runs a condition; no condition holds.
func (s *state) holds(a *action, cond *expr.Program) (bool, *problem) {
	if cond == nil {
		return true, nil
	}
	v, p := s.one(cond, "if")
	if p != nil {
		return false, p
	}
	if s.explains {
		s.tellCondition(a, cond, v)
	}
	return v.Truthy(), nil
}

// mostOfWord bounds the work of finding a word that is near to one of an event.
const mostOfWord = 50

// choose finds the step that the current event, or item, asks for. It is nil where none is taken.
func (s *state) choose(a *action) (*action, *problem) {
	holds, p := s.holds(a, a.cond)
	if p != nil || !holds {
		return nil, p
	}
	its := a.chooser
	v, p := s.one(its.by, "action")
	if p != nil {
		return nil, p
	}
	if v.Kind == expr.String {
		s.text = v.AppendString(s.text[:0])
		if chosen := its.of[string(s.text)]; chosen != nil {
			return chosen, nil
		}
	}
	switch {
	case its.other != nil:
		return its.other, nil
	case its.skip:
		s.remark(explain.Remark{Why: explain.NotListed, Rule: a.Rule, Call: a.Call, Field: "action",
			Detail: its.unlisted(v, s.text)})
		return nil, nil
	case absent(v):
		return nil, missing(its.by, "action", v)
	}
	return nil, &problem{reason: event.ReasonInvalidValue, field: "action", detail: its.unlisted(v, s.text)}
}

// unlisted says that a value is none of the words, which it does not quote: it may be anything. Text is that of a
// string.
func (c *chooser) unlisted(v expr.Value, text []byte) string {
	what, near := document.Article(v.Kind), ""
	if v.Kind == expr.String && len(text) <= mostOfWord {
		near = choice.Near(string(text), c.words)
	}
	if v.Kind != expr.String {
		what += ";"
	} else {
		what += " that is none of the words listed here;"
	}
	return shortened(c.by.String()) + " gave " + what + " want " + shortened(choice.List(c.words)) + near
}

// Alternatives are the names of the calls of which a rule's choice of that name takes one, and whether it is made for
// each item of a list. There are none where the rule has no such choice.
func (r *Rules) Alternatives(rule, call string) (names []string, each bool) {
	for _, candidate := range r.rules {
		for _, a := range candidate.actions {
			if candidate.name == rule && a.of != nil && a.of.Call == call {
				names, each = append(names, a.Call), a.of.each != nil
			}
		}
	}
	return names, each
}
