package tracing

import (
	"math"
	"sync"
	"weak"

	"github.com/ciobridge/ciobridge/event"
)

// maxOpen is how many messages are followed at a time. A span takes 1 to 2 KB, and while Customer.io is down a hundred
// thousand messages may be in flight: the others have none.
const maxOpen = 4096

// A number is its place in openSpans.places, and above that how often the place was taken, so that a number means one
// span only.
const (
	placeBits = 13
	placeMask = 1<<placeBits - 1
)

// openSpans are the spans of messages that are followed, by their numbers. It does not keep them: the function that
// tells the source that a message is done does. A message that its lease takes away is dropped without a word, and its
// number is left when the span is garbage.
type openSpans struct {
	mu     sync.Mutex
	places []place // the first stays empty, because no number is 0
	free   []event.Trace
}

type place struct {
	number event.Trace
	span   weak.Pointer[span]
}

// take takes a number; 0 where so many are taken.
func (o *openSpans) take() event.Trace {
	o.mu.Lock()
	defer o.mu.Unlock()
	var number event.Trace
	switch last := len(o.free) - 1; {
	case last >= 0:
		number = (o.free[last] + 1<<placeBits) & math.MaxInt32
		o.free = o.free[:last]
	case len(o.places) > maxOpen:
		return 0
	default:
		if len(o.places) == 0 {
			o.places = make([]place, 1, maxOpen+1)
		}
		number = event.Trace(len(o.places))
		o.places = append(o.places, place{})
	}
	o.places[number&placeMask].number = number
	return number
}

// put makes a span the one of its number.
func (o *openSpans) put(s *span) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.places[s.number&placeMask].span = weak.Make(s)
}

// leave gives a number back. It may be called more than once.
func (o *openSpans) leave(number event.Trace) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := &o.places[number&placeMask]; p.number == number {
		*p = place{}
		o.free = append(o.free, number)
	}
}

// of is the span of a number; nil where nothing is recorded, or no longer.
func (o *openSpans) of(number event.Trace) *span {
	if number == 0 {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := &o.places[number&placeMask]; p.number == number {
		return p.span.Value()
	}
	return nil
}
