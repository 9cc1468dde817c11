package mapping

import (
	"bytes"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// person finds the first identifier that is present and leaves its text in who. Where there are others an empty text is
// not present: it is what producers write for want of an identifier.
func (s *state) person(a *action) (*person, *problem) {
	for i := range a.person {
		p := &a.person[i]
		v, err := p.prog.One(&s.doc)
		if err != nil {
			return nil, evalProblem(p.prog, a.personField.Key, err)
		}
		if absent(v) || len(a.person) > 1 && string(v.Raw) == `""` {
			continue
		}
		var what string
		if s.who, what = s.appendIdentifier(s.who[:0], p.kind, v); what != "" {
			return nil, wrong(event.ReasonInvalidValue, a.personField.Key, p.prog, what)
		}
		return p, nil
	}
	if len(a.person) > 1 {
		return nil, &problem{reason: event.ReasonMissingField, field: a.personField.Key,
			detail: "none of the identifiers is present"}
	}
	return nil, wrong(event.ReasonMissingField, a.personField.Key, a.person[0].prog, "is absent or null")
}

var cioPrefix = []byte("cio_")

// appendIdentifier appends an identifier's text: a string as it is, an integer as it is written. It says what is wrong
// with any other value.
func (s *state) appendIdentifier(dst []byte, kind customerio.Identifier, v expr.Value) ([]byte, string) {
	start := len(dst)
	switch {
	case v.Kind == expr.String:
		dst = v.AppendString(dst)
	case string(v.Raw) == "-0":
		dst = append(dst, '0')
	case v.IsInteger():
		dst = append(dst, v.Raw...)
	default:
		return dst, "is " + unfit(v)
	}
	if kind == customerio.CioID && bytes.HasPrefix(dst[start:], cioPrefix) {
		dst = append(dst[:start], dst[start+len(cioPrefix):]...)
	}
	what := customerio.CheckIdentifier(kind, dst[start:])
	if what == "" && s.reserved.Has(dst[start:]) {
		what = "stands for no person, as null and 0 do; customerio.reserved_ids can allow it"
	}
	return dst, what
}

var laneKinds = func() (kinds [customerio.AnonymousID + 1]event.LaneKind) {
	for i := customerio.ID; i <= customerio.AnonymousID; i++ {
		kinds[i] = event.LaneKindOf(i.String())
	}
	return kinds
}()

// addLane adds the lane of an identifier to those of the call, which begin at from.
func (s *state) addLane(from int, kind customerio.Identifier, text []byte) {
	if kind == customerio.Email {
		s.hash = customerio.AppendFolded(s.hash[:0], text)
		text = s.hash
	}
	lane := laneKinds[kind].Of(text) ^ s.workspace
	if !slices.Contains(s.lanes[from:], lane) {
		s.lanes = append(s.lanes, lane)
		if s.tells {
			s.persons = append(s.persons, kind.String()+":"+string(text))
		}
	}
}

// about tells whom the current call is about, whose lanes begin where it says. One that erases the person tells all
// identifiers that the rule names, and waits in the lane of each: no call by one of them may bring the person back.
func (s *state) about(a *action, lanes int) *event.About {
	if a.Fence == event.DeleteFence || a.Fence == event.SuppressFence {
		for i := range a.person {
			p := &a.person[i]
			v, err := p.prog.One(&s.doc)
			if err != nil || absent(v) {
				continue
			}
			if text, what := s.appendIdentifier(nil, p.kind, v); what == "" {
				s.addLane(lanes, p.kind, text)
			}
		}
	}
	at := &event.About{Persons: slices.Clone(s.persons), Origin: s.m.Origin, Stored: s.m.Time}
	if s.time.known {
		at.Time = time.UnixMilli(s.time.ms)
	}
	return at
}
