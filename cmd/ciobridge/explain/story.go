package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/app/outcomes"
	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping"
)

// story is what is known of an event.
type story struct {
	Origin   string          `json:"origin"`
	Subject  string          `json:"subject,omitempty"` // masked unless values are shown
	Event    string          `json:"event"`             // its ULID
	Type     string          `json:"type,omitempty"`
	Received time.Time       `json:"received,omitzero"` // by the broker
	Gone     bool            `json:"gone,omitempty"`    // from the broker; what is told is of its dead letter
	Source   progress        `json:"source"`
	Key      string          `json:"key,omitempty"` // masked unless values are shown
	Value    json.RawMessage `json:"value"`
	Rules    []ruleStory     `json:"rules"`
	Calls    []callStory     `json:"calls"`
	Letters  []status.Letter `json:"letters"`

	Outcomes []outcomes.Outcome `json:"outcomes,omitempty"` // that a running bridge has of it
	Bridge   string             `json:"bridge,omitempty"`   // why it has none
}

// ruleStory says what today's rule makes of the event.
type ruleStory struct {
	Rule  string `json:"rule"`
	Calls int    `json:"calls"`
	Why   string `json:"why,omitempty"` // there is nothing, or not more
}

// callStory is a call that today's rules make.
type callStory struct {
	ID        string `json:"id"`
	Action    string `json:"action,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	Rule      string `json:"rule"`
	Call      string `json:"call,omitempty"`
	Fails     string `json:"fails,omitempty"` // why it cannot be made today
	Became    string `json:"became"`
}

// story puts together what is known of an event.
func (x *explainer) story(ctx context.Context, f *found, showValues bool) (story, error) {
	m := f.message
	s := story{Origin: m.Origin.String(), Event: deadletter.EventID(&m).String(), Received: m.Time.UTC(),
		Gone: f.gone, Calls: []callStory{}, Letters: []status.Letter{}, Rules: []ruleStory{}}
	var err error
	if s.Source, err = x.progressAt(ctx, m.Origin); err != nil {
		return s, err
	}
	if err := x.source.Decode(ctx, &m); err != nil {
		return s, err
	}
	s.describeValue(&m, showValues)
	if e, err := x.rules.Inspect(m, 0); err == nil {
		s.Type = e.Type
	}
	histories, err := x.lettersAt(ctx, m.Origin)
	if err != nil {
		return s, err
	}
	for _, h := range histories {
		s.Letters = append(s.Letters, status.TellLetter(h))
	}
	known, why := x.bridge.ask(ctx, outcomes.Origin, outcomes.Place(m.Origin).String())
	s.Outcomes, s.Bridge = known.Outcomes, why
	s.describeRules(x.rules.Explain(m), x.rules.RuleNames())
	return s, nil
}

func (s *story) describeValue(m *event.Message, show bool) {
	value := m.Value
	if m.ValueContent() != nil {
		value = m.ValueContent()
	}
	switch {
	case !show:
		s.Value = deadletter.Masked(value)
		if len(m.Key) > 0 {
			s.Key = deadletter.MaskedText(string(m.Key))
		}
		if m.Origin.Subject != "" {
			s.Subject = deadletter.MaskedText(m.Origin.Subject)
		}
	case json.Valid(value):
		s.Value = value
	default:
		s.Value = json.RawMessage(jsontext.Of(string(value)))
	}
	if show {
		s.Key, s.Subject = string(m.KeyText()), m.Origin.Subject
	}
	if !json.Valid(s.Value) { // what is masked may be words
		s.Value = json.RawMessage(jsontext.Of(string(s.Value)))
	}
}

// describeRules tells what today's rules make of the event, what became of that, and why there is not more.
func (s *story) describeRules(got mapping.Explanation, names []string) {
	rules, index := make([]ruleStory, len(names)), map[string]int{}
	for i, name := range names {
		rules[i].Rule, index[name] = name, i
	}
	why := func(rule, text string) {
		if i, ok := index[rule]; ok && rules[i].Why == "" {
			rules[i].Why = text
		}
	}
	for i := range got.Calls {
		c := &got.Calls[i]
		rules[index[c.Step.Rule]].Calls++
		s.Calls = append(s.Calls, callStory{ID: c.ID.String(), Action: c.Step.Action, Workspace: c.Step.Workspace,
			Rule: c.Step.Rule, Call: c.Step.Call, Became: s.became(c.ID.String(), c.Step.Rule, c.Step.Call)})
	}
	for i := range got.Failures {
		f := &got.Failures[i]
		text := status.FailureText(f)
		why(f.Rule, "cannot be mapped: "+text)
		s.Calls = append(s.Calls, callStory{ID: f.ID.String(), Rule: f.Rule, Call: f.Call, Fails: text,
			Became: s.became(f.ID.String(), f.Rule, f.Call)})
	}
	for _, r := range got.Remarks {
		why(r.Rule, r.Detail)
	}
	for i := range rules {
		if r := &rules[i]; r.Calls == 0 && r.Why == "" {
			r.Why = "it is for other types or topics"
			if s.Type != "" {
				r.Why = fmt.Sprintf("it does not name the type %q, or is not for this topic", s.Type)
			}
		}
	}
	s.Rules = rules
}

// became says what became of a call, as far as its letters, a running bridge and the offsets of the source tell. A
// letter may be of the whole rule, or of the event.
func (s *story) became(id, rule, call string) string {
	for _, l := range s.Letters {
		if l.ID != id && !(l.Rule == rule && (l.Call == call || l.Call == "")) && l.Rule != "" {
			continue
		}
		if l.Open {
			return "dead letter " + l.ID + ", open: " + string(l.Reason)
		}
		return "dead letter " + l.ID + ", closed: " + l.Steps[len(l.Steps)-1].What
	}
	for _, o := range slices.Backward(s.Outcomes) {
		if o.ID == id {
			return o.At.Format(time.RFC3339Nano) + "  " + outcomeText(&o)
		}
	}
	switch s.Source {
	case finished:
		return "taken by Customer.io, if the rules made it when the event was read: the event is finished and this " +
			"has no dead letter"
	case unfinished:
		return "not known yet: the event is in hand, waits to be read, or was finished before an earlier one"
	case notStored:
		return "taken by Customer.io, if a run with these rules has read the event: this has no dead letter"
	}
	return "not read: nothing is committed"
}
