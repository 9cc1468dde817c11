package deadletter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Filter chooses among the open letters. A letter must meet every condition that is set; a list is met by any of its
// entries.
type Filter struct {
	IDs     []event.ID
	Reasons []event.Reason
	Rules   []string
	Types   []string // of the event; needs Inspect
	Keys    []string // of the original record, byte for byte

	// Topic, Partition and the offsets choose by where the original record stood. Partition and offsets need Topic;
	// OffsetTo is the last one that is chosen.
	Topic                string
	Partition            *int32
	OffsetFrom, OffsetTo *int64

	FailedFrom, FailedTo time.Time // when the call first failed; FailedTo is not included
	EventFrom, EventTo   time.Time // when the event happened; EventTo is not included

	// Concerns chooses the letters whose events it reports; nil chooses all. Item and errors are as for Inspect. It is
	// asked last, and once for the letters of one event.
	Concerns func(m event.Message, item int) (bool, error)

	// Persons are digests of the identifiers of the person that Concerns asks for. A letter that has digests is judged
	// by them, and Concerns is not asked: so that a sealed one needs no key.
	Persons []string

	// Wants chooses the letters that it reports; nil chooses all. It is asked after everything else, for each letter.
	// An error is as for Inspect.
	Wants func(*Letter) (bool, error)

	// All chooses every open letter. Without it a filter that sets nothing is a mistake.
	All bool
	// Limit is the greatest number of letters that are chosen, the first in the order of a replay. 0 means no limit.
	Limit int

	// Inspect gives the type of an event and when it happened, by the rules of its envelope; item is the number of the
	// event among those of the message, and 0 where that is one. An error means that this cannot be told now: nothing
	// is chosen then. Without it an event happened at the broker's time for its record.
	Inspect func(m event.Message, item int) (eventType string, at time.Time, err error)
}

// Validate reports every mistake.
func (f *Filter) Validate() error {
	var errs []error
	for _, r := range f.Reasons {
		if !slices.Contains(event.Reasons(), r) {
			errs = append(errs, fmt.Errorf("reason: %q is none of %v", r, event.Reasons()))
		}
	}
	if len(f.Types) > 0 && f.Inspect == nil {
		errs = append(errs,
			errors.New("type: the types of events are known only together with the configuration of the source"))
	}
	if f.Topic == "" && (f.Partition != nil || f.OffsetFrom != nil || f.OffsetTo != nil) {
		errs = append(errs, errors.New("origin: a partition or an offset needs a topic"))
	}
	if f.OffsetFrom != nil && f.OffsetTo != nil && *f.OffsetFrom > *f.OffsetTo {
		errs = append(errs, fmt.Errorf("origin: the first offset %d is behind the last %d", *f.OffsetFrom, *f.OffsetTo))
	}
	for _, r := range []struct {
		name     string
		from, to time.Time
	}{{"failure time", f.FailedFrom, f.FailedTo}, {"event time", f.EventFrom, f.EventTo}} {
		if !r.from.IsZero() && !r.to.IsZero() && !r.from.Before(r.to) {
			errs = append(errs, fmt.Errorf("%s: the range from %s to %s is empty",
				r.name, r.from.Format(time.RFC3339), r.to.Format(time.RFC3339)))
		}
	}
	if f.Limit < 0 {
		errs = append(errs, fmt.Errorf("limit: %d is negative", f.Limit))
	}
	if f.All == f.conditional() {
		errs = append(errs, errors.New("choose letters by a filter, or all of them with --all, and not both"))
	}
	return errors.Join(errs...)
}

// conditional reports whether any condition is set.
func (f *Filter) conditional() bool {
	return len(f.IDs)+len(f.Reasons)+len(f.Rules)+len(f.Types)+len(f.Keys) > 0 || f.Topic != "" || f.Concerns != nil ||
		f.Wants != nil || !f.FailedFrom.IsZero() || !f.FailedTo.IsZero() || !f.EventFrom.IsZero() || !f.EventTo.IsZero()
}

// once gives the filter for the letters of one record: their event is inspected at most once.
func (f *Filter) once() *Filter {
	if f == nil || f.Inspect == nil && f.Concerns == nil {
		return f
	}
	one, inspected, asked := *f, -1, -1
	var eventType string
	var at time.Time
	if f.Inspect != nil {
		one.Inspect = func(m event.Message, item int) (_ string, _ time.Time, err error) {
			if inspected != item {
				eventType, at, err = f.Inspect(m, item)
				inspected = item
			}
			return eventType, at, err
		}
	}
	concerns := false
	if f.Concerns != nil {
		one.Concerns = func(m event.Message, item int) (_ bool, err error) {
			if asked != item {
				concerns, err = f.Concerns(m, item)
				asked = item
			}
			return concerns, err
		}
	}
	return &one
}

// Match reports whether the letter meets every condition. It does not know whether the letter is open. An error is one
// of Inspect or Concerns.
func (f *Filter) Match(l *Letter) (bool, error) {
	failure, origin := &l.Failure, l.Message.Origin
	switch {
	case len(f.IDs) > 0 && !slices.Contains(f.IDs, failure.ID),
		len(f.Reasons) > 0 && !slices.Contains(f.Reasons, failure.Reason),
		len(f.Rules) > 0 && !slices.Contains(f.Rules, failure.Rule),
		len(f.Keys) > 0 && l.Sealed == "" && (l.Message.Key == nil || !slices.Contains(f.Keys, string(l.Message.Key))),
		f.Topic != "" && f.Topic != origin.Topic,
		f.Partition != nil && *f.Partition != origin.Partition,
		f.OffsetFrom != nil && origin.Offset < *f.OffsetFrom,
		f.OffsetTo != nil && origin.Offset > *f.OffsetTo,
		!within(failure.First, f.FailedFrom, f.FailedTo):
		return false, nil
	}
	named, told := f.names(failure)
	if told && !named {
		return false, nil
	}
	if l.Sealed != "" && f.reads(told) {
		return false, fmt.Errorf("the letter %s is sealed under the key %q, which dead_letters.keys_file does not "+
			"have: whether it is meant cannot be told; leave out conditions about the event, or give the key",
			failure.ID, l.Sealed)
	}
	if matches, err := f.matchesEvent(l); !matches || err != nil {
		return matches, err
	}
	if f.Concerns != nil && !told {
		if concerns, err := f.Concerns(l.Message, failure.Item); !concerns || err != nil {
			return false, err
		}
	}
	if f.Wants == nil {
		return true, nil
	}
	return f.Wants(l)
}

// names reports whether the digests of a letter name the person that is asked for. Told is false where they do not
// say.
func (f *Filter) names(failure *event.Failure) (named, told bool) {
	if len(f.Persons) == 0 || failure.Persons == "" {
		return false, false
	}
	for digest := range strings.FieldsSeq(failure.Persons) {
		named = named || slices.Contains(f.Persons, digest)
	}
	return named, true
}

// reads reports whether a condition is about what the event itself holds. Told says that the person is known.
func (f *Filter) reads(told bool) bool {
	return len(f.Types) > 0 || len(f.Keys) > 0 || f.Concerns != nil && !told || f.Wants != nil
}

// matchesEvent looks at what has to be read from the event itself.
func (f *Filter) matchesEvent(l *Letter) (bool, error) {
	if len(f.Types) == 0 && f.EventFrom.IsZero() && f.EventTo.IsZero() {
		return true, nil
	}
	eventType, at := "", l.Message.Time
	if f.Inspect != nil {
		var err error
		if eventType, at, err = f.Inspect(l.Message, l.Failure.Item); err != nil {
			return false, err
		}
	}
	return (len(f.Types) == 0 || slices.Contains(f.Types, eventType)) && within(at, f.EventFrom, f.EventTo), nil
}

func within(t, from, to time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (to.IsZero() || t.Before(to))
}
