package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

// identityVersion is part of every identity. Raising it makes every call a new one for Customer.io.
const identityVersion = 1

// The ways in which an event is known. They are part of the identity, so that an id can never equal a place.
const (
	byID    = 'i' // the id that the envelope or the rule names
	byPlace = 'p' // topic, partition, offset, time and content of the record
	byItem  = 'e' // the same of one event of a record, and its number
)

// appendFramed appends a text with its length before it, so that no two lists of texts give the same bytes.
func appendFramed[S string | []byte](dst []byte, s S) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendPlace appends the identity of an event that names none: where its record stood, when, and what it held. Place
// alone is enough until a topic is deleted and made again; then the record's time tells records apart, and for the same
// millisecond the length and checksum of the content. A checksum is enough there, and costs a tenth of a digest.
func appendPlace(dst []byte, m *event.Message) []byte {
	dst = append(dst, byPlace)
	dst = appendFramed(dst, m.Origin.Topic)
	partition := m.Origin.Partition
	if m.Origin.Subject != "" {
		partition = 0 // a stream's sequence is one of the whole stream, however its readers divide it
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(partition))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Origin.Offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(millis(m.Time)))
	if m.Value == nil {
		return append(dst, 0)
	}
	dst = binary.AppendUvarint(append(dst, 1), uint64(len(m.Value)))
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(m.Value, castagnoli))
}

// appendPlace appends the place of the current event. One of several in a record is known by its number and its own
// content, so that it stays the same where another one of them is mended.
func (s *state) appendPlace(dst []byte) []byte {
	if s.item == 0 {
		m := s.m
		if s.original != nil {
			whole := *m
			whole.Value = s.original.value
			m = &whole
		}
		return appendPlace(dst, m)
	}
	m := *s.m
	m.Value = s.content
	dst = appendPlace(append(dst, byItem), &m)
	return binary.AppendUvarint(dst, uint64(s.item))
}

// millis is a time in unix milliseconds, 0 for no time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// identity is the event's identity as the current rule sees it. Where nothing names the event it is its place, made
// when first asked for: that reads the whole content.
func (s *state) identity() []byte {
	if len(s.ruleID) > 0 {
		return s.ruleID
	}
	if len(s.eventID) == 0 {
		s.eventID = s.appendPlace(s.eventID)
	}
	return s.eventID
}

// A callKey is what a rule gives to the identities of one of its calls: a digest of the scope and of the names of rule
// and call.
type callKey [16]byte

func keyOf(scope, rule, call string) callKey {
	b := appendFramed([]byte{identityVersion}, scope)
	sum := sha256.Sum256(appendFramed(appendFramed(b, rule), call))
	return callKey(sum[:])
}

// callID is the identity of a call: the event's time, and a digest of the call's key and the event's identity. With an
// id like a UUID that is one block of SHA-256.
func (s *state) callID(a *action, item int) event.ID {
	key := &a.key
	if o := s.original; o != nil {
		if id, kept := o.identity(s.item, a); kept && item < 0 {
			return id
		}
		if a.of != nil && item >= 0 { // the letter may be of the choice, for this item
			if id := s.idBy(&a.of.key, item); o.has(id) {
				return id
			}
		}
		key = o.keyOf(a)
	}
	return s.idBy(key, item)
}

// idBy is the identity of a call with that key.
func (s *state) idBy(key *callKey, item int) event.ID {
	b := append(s.hash[:0], key[:]...)
	b = appendFramed(b, s.identity())
	if item >= 0 {
		b = binary.AppendUvarint(b, uint64(item))
	}
	s.hash = b
	sum := sha256.Sum256(b)
	var id event.ID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(s.time.ms, 0)))
	copy(id[:6], ms[2:])
	copy(id[6:], sum[:10])
	return id
}

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

// idsOfPersons warns where what names the person of an event is taken for the event's identity, too: Customer.io
// ignores an event whose id it has seen.
func (b *compiler) idsOfPersons(rules []Rule) {
	for i, r := range b.out.rules {
		isPerson := func(p person) bool { return programText(p.prog) == programText(r.id) }
		for _, a := range r.actions {
			if r.id != nil && a.Repeatable && slices.ContainsFunc(a.person, isPerson) {
				b.warn(rules[i].place("id"), r.id.String()+" names the person, too: of two such events of a person "+
					"at the same time Customer.io counts one; want an id that each event has for itself")
				break
			}
		}
	}
}

// apart refuses a call about two persons whom it names in the same way.
func (c *actionCompiler) apart(f *customerio.Field) {
	same := func(a, b Person) bool { return a.Kind == b.Kind && a.Value.Program == b.Value.Program }
	if len(c.from.Person) > 0 && slices.EqualFunc(c.from.Person, c.from.Secondary, same) {
		c.wrongAt(c.from.Secondary[0].Value.Pos, f.Key, "names the same person as the other side")
	}
}
