package mapping

import (
	"bytes"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// maxHeaders bounds the work that the headers of one record can cause; those after it are left out of $message.
const maxHeaders = 1000

// noPlaces are those of a document that is only looked at for whether it is one.
var noPlaces = func() *document.Places {
	s := document.NewPlaces()
	s.Seal()
	return s
}()

// messageValue makes $message: what the broker says of the record. Topic, partition and offset are there for every
// broker; subject, stream and sequence for JetStream alone, whose stream and sequence topic and offset repeat.
// Operation says in which form the record holds nothing; index is the place of the event among those of its record.
// What is not UTF-8 is left out. Of a header that is there several times the last counts.
func (s *state) messageValue() expr.Value {
	m := s.m
	b := append(s.meta[:0], `{"partition":`...)
	b = strconv.AppendInt(b, int64(m.Origin.Partition), 10)
	b = append(b, `,"offset":`...)
	b = strconv.AppendInt(b, m.Origin.Offset, 10)
	b = appendName(b, `,"topic":`, m.Origin.Topic)
	if m.Origin.Subject != "" {
		b = appendName(b, `,"subject":`, m.Origin.Subject)
		b = appendName(b, `,"stream":`, m.Origin.Topic)
		b = append(b, `,"sequence":`...)
		b = strconv.AppendInt(b, m.Origin.Offset, 10)
	}
	b = s.appendKey(b)
	if s.operation != "" {
		b = appendName(b, `,"operation":`, s.operation)
	}
	if s.item > 0 {
		b = strconv.AppendInt(append(b, `,"index":`...), int64(s.item-1), 10)
	}
	if !m.Time.IsZero() {
		b = append(b, `,"time":"`...)
		b = append(m.Time.UTC().AppendFormat(b, time.RFC3339Nano), '"')
	}
	b = append(s.appendHeaders(append(b, `,"headers":`...)), '}')
	s.meta = b
	return expr.Value{Kind: expr.Object, Raw: b}
}

// appendKey appends the key: as a text, or, where a schema reads keys, as what it holds. Tests of rules and whoever
// tries one give such a key as JSON.
func (s *state) appendKey(b []byte) []byte {
	key := s.m.KeyText()
	isJSON := s.m.KeyContent() != nil || s.topic.forms.Key != "" && bytes.HasPrefix(key, []byte("{"))
	if isJSON {
		if s.keyText == nil {
			s.keyText = &document.Document{}
		}
		if s.keyText.Parse(noPlaces, key) == nil {
			return append(append(b, `,"key":`...), key...)
		}
	}
	if s.m.Key == nil || !utf8.Valid(s.m.Key) {
		return b
	}
	return jsontext.AppendString(append(b, `,"key":`...), s.m.Key)
}

// appendName appends a member whose value is a name that the broker gave; NATS takes any bytes in a subject.
func appendName(b []byte, member, name string) []byte {
	if !utf8.ValidString(name) {
		return b
	}
	return jsontext.AppendString(append(b, member...), []byte(name))
}

func (s *state) appendHeaders(b []byte) []byte {
	b = append(b, '{')
	first := true
	headers := s.m.Headers[:min(len(s.m.Headers), maxHeaders)]
	for i := range headers {
		h := &headers[i]
		if !utf8.ValidString(h.Key) || !utf8.Valid(h.Value) || repeated(headers, i) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(jsontext.AppendString(b, []byte(h.Key)), ':')
		b = jsontext.AppendString(b, h.Value)
	}
	return append(b, '}')
}

// repeated reports whether a later header has the same key.
func repeated(headers []event.Header, i int) bool {
	for _, later := range headers[i+1:] {
		if later.Key == headers[i].Key && utf8.Valid(later.Value) {
			return true
		}
	}
	return false
}

// original is what a message, or a rule, was before somebody mended it.
type original struct {
	value    []byte
	failures []event.Failure // for which the message was repaired

	rule, call string // that has another name now
	key        callKey
}

// keyOf is the key of an action, which is that of its old name where it, or the choice that it is one of, was renamed.
func (o *original) keyOf(a *action) *callKey {
	if o.call != "" && o.rule == a.Rule && (o.call == a.Call || a.of != nil && o.call == a.of.Call) {
		return &o.key
	}
	return &a.key
}

// identity is the one that the failure has which an action, or the choice that it is one of, would repeat for that
// event of the record.
func (o *original) identity(item int, a *action) (event.ID, bool) {
	for i := range o.failures {
		if f := &o.failures[i]; f.Item == item && f.Rule == a.Rule && f.Call == a.Call {
			return f.ID, true
		}
	}
	if a.of != nil {
		return o.identity(item, a.of)
	}
	return event.ID{}, false
}

// has reports whether the message was repaired for the sake of a failure with that identity.
func (o *original) has(id event.ID) bool {
	return slices.ContainsFunc(o.failures, func(f event.Failure) bool { return f.ID == id })
}

// MapRepaired is Map for a message whose value was repaired by hand for the sake of these failures. A call that failed
// keeps its identity, whatever the repair has changed, and an event that is known by its place is known by the value
// that stood there; so a call counts once, however often and in whatever way the message is repaired. The calls that a
// rule makes for each item of a list have their own identities, of which only the value that stood there decides.
func (r *Rules) MapRepaired(m *event.Message, failures []event.Failure, value []byte) ([]event.Call, []event.Failure) {
	s := r.get(m, r.replay)
	defer r.put(s)
	s.original = &original{value: value, failures: failures}
	r.run(s)
	return s.result(), s.failures
}

// MapRenamed is Map with the identities that the calls of one name had when rule and call were called otherwise. Those
// of a choice are all of which it chooses one. All else is as Map gives it, in the same order, so that the identities
// of before and of today can be told by their place.
func (r *Rules) MapRenamed(
	m *event.Message, rule, call, oldRule, oldCall string,
) ([]event.Call, []event.Failure) {
	s := r.get(m, r.replay)
	defer r.put(s)
	s.original = &original{value: m.Value, rule: rule, call: call}
	for _, candidate := range r.rules {
		if candidate.name == rule {
			s.original.key = keyOf(candidate.scope, oldRule, oldCall)
		}
	}
	r.run(s)
	return s.result(), s.failures
}

// ReplyTo are the topics or subjects to which answers are published, each once, with a rule that does so.
func (r *Rules) ReplyTo() map[string]string {
	to := map[string]string{}
	for _, rule := range r.rules {
		for _, a := range rule.actions {
			if name := a.request.ReplyTo(); name != "" && to[name] == "" {
				to[name] = rule.name
			}
		}
	}
	return to
}

// LongestTimeout is the longest time-out that a rule gives to a request of its own, with the rule; 0 where none does.
func (r *Rules) LongestTimeout() (longest time.Duration, by string) {
	for _, rule := range r.rules {
		for _, a := range rule.actions {
			if its := a.request.Timeout(); its > longest {
				longest, by = its, rule.name
			}
		}
	}
	return longest, by
}
