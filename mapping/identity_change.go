package mapping

import (
	"fmt"

	"github.com/ciobridge/ciobridge/mapping/expr"
)

// IdentityChange is a call whose identity differs between two versions of the rules. Events that were sent before the
// change and are read again after it, by a replay or a redelivery, count twice.
type IdentityChange struct {
	Rule string
	Call string
	Why  string
}

// CompareIdentities names the calls of the old rules whose identity the new rules change. Calls that are only in the
// new rules are no change: nothing was sent for them.
func CompareIdentities(before, after *Rules) []IdentityChange {
	var out []IdentityChange
	rules := map[string]*rule{}
	for _, r := range after.rules {
		rules[r.name] = r
	}
	for _, was := range before.rules {
		now := rules[was.name]
		for _, a := range was.actions {
			if why := identityChange(was, now, a.Call); why != "" {
				out = append(out, IdentityChange{was.name, a.Call, why})
			}
		}
	}
	return append(out, topicChanges(before, after)...)
}

func identityChange(was, now *rule, call string) string {
	if now == nil {
		return "there is no rule of this name any more"
	}
	switch a, b := was.basis(), now.basis(); {
	case now.call(call) == nil:
		return "the rule has no call of this name any more; call: can give it back"
	case a != b:
		return fmt.Sprintf("%s became %s", a, b)
	}
	return ""
}

func (r *rule) call(name string) *action {
	for _, a := range r.actions {
		if a.Call == name {
			return a
		}
	}
	return nil
}

// basis tells where a rule takes the identity of its events from.
func (r *rule) basis() string {
	return fmt.Sprintf("id_scope %q, id %s, time %s", r.scope, programText(r.id), programText(r.time))
}

func (e *envelope) basis() string {
	return fmt.Sprintf("id %s, source %s, time %s", programText(e.id), programText(e.source), programText(e.time))
}

func programText(p *expr.Program) string {
	if p == nil {
		return "none"
	}
	return p.String()
}

// topicChanges names the topics whose envelope finds identities elsewhere; every call for their events changes.
func topicChanges(before, after *Rules) []IdentityChange {
	var out []IdentityChange
	compare := func(name string) {
		a, b := before.topic(name).envelope.basis(), after.topic(name).envelope.basis()
		if a != b {
			out = append(out, IdentityChange{Why: fmt.Sprintf("topic %q: %s became %s", name, a, b)})
		}
	}
	seen := map[string]bool{}
	for _, c := range []*Rules{before, after} {
		for _, t := range c.listed {
			if !seen[t.pattern] {
				seen[t.pattern] = true
				compare(t.pattern)
			}
		}
	}
	return out
}
