package traffic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Sizes of an event, in bytes.
const (
	MinEventSize = 260
	MaxEventSize = 1000 // the longest attribute value that Customer.io takes
)

// ProfileType is the one type of event that changes a person's profile; all others become events of the person.
const ProfileType = "shop.customer.updated"

// EventTypes are what happens in the shop. Each has a rule of its own in the bridge's configuration.
var EventTypes = [10]string{
	"shop.product.viewed", "shop.search.performed", "shop.cart.item_added", "shop.cart.abandoned",
	"shop.order.completed",
	"shop.order.shipped", "shop.order.refunded", "shop.review.written", "shop.newsletter.opened", ProfileType,
}

// Load says what is published.
type Load struct {
	Events, Persons, Size int
	Partitions            int      // of the topic, or those into which subjects divide the stream
	Types                 []string // of the events; all ten where it is empty
	Scattered             bool     // person after person in place of visits, so that no event waits for one before it
	Stamped               bool     // each event tells when it was made
	Shape                 Shape    // how records hold the events; the zero Shape is an event as a record
}

// Shape is how a record holds events of the shop.
type Shape struct {
	Name   string
	Events int // in a record; 0 is one
	// Append appends the record that holds the events, which are objects of JSON.
	Append func(dst []byte, events [][]byte) []byte
}

// Records is how many records hold the events.
func (l Load) Records() int {
	n := max(1, l.Shape.Events)
	return (l.Events + n - 1) / n
}

// Equal reports whether the same would be published.
func (l Load) Equal(m Load) bool {
	return l.Events == m.Events && l.Persons == m.Persons && l.Size == m.Size && l.Partitions == m.Partitions &&
		slices.Equal(l.Types, m.Types) && l.Scattered == m.Scattered && l.Stamped == m.Stamped &&
		l.Shape.Name == m.Shape.Name
}

// Traffic makes the events of a shop: many persons, each coming back in short visits, nearly all events of a visit
// close together. The same numbers give the same events.
type Traffic struct {
	Load
	rng      *rand.Rand
	seen     []uint32 // how many events each person has had
	visiting [32]uint32
	start    time.Time
	made     int
	buf      []byte
	held     []byte   // the events of a record
	parts    [][]byte // of held
	record   []byte
}

// New begins the traffic of a load.
func New(l Load) *Traffic {
	t := &Traffic{
		Load:  l,
		rng:   rand.New(rand.NewPCG(7, 11)),
		seen:  make([]uint32, l.Persons),
		start: time.Now().Add(-time.Duration(l.Events) * time.Millisecond),
	}
	for i := range t.visiting {
		t.visiting[i] = uint32(t.rng.IntN(l.Persons))
	}
	return t
}

// Next gives the next event and the number of the person it is about; ok is false after the last. The bytes are valid
// until the following call.
func (t *Traffic) Next() (person uint32, event []byte, ok bool) {
	if t.made == t.Events {
		return 0, nil, false
	}
	person = t.person()
	kind := t.kind()
	at := t.start.Add(time.Duration(t.made) * time.Millisecond)

	b := fmt.Appendf(t.buf[:0], `{"id":"evt_%09d","type":"%s","time":"%s","data":{"customer_id":"%s","sequence":"%d.%d`,
		t.made, kind, at.UTC().Format("2006-01-02T15:04:05.000Z"), CustomerID(person), person, t.seen[person])
	if t.Stamped {
		b = fmt.Appendf(b, ".%d", time.Now().UnixMicro())
	}
	b = fmt.Appendf(b, `","total":%d.%02d,"currency":"EUR","channel":"web","items":[`, 1+t.rng.IntN(200),
		t.rng.IntN(100))
	b = t.appendItems(b)
	b = append(b, `],"note":"`...)
	for n := 0; len(b) < t.Size-len(`"}}`); n++ {
		b = append(b, "delivered to the neighbour on the second floor "[n%47])
	}
	t.buf = append(b, `"}}`...)
	t.seen[person]++
	t.made++
	return person, t.buf, true
}

// NextRecord gives the next record, which holds as many events as the load's shape says, and the number of the person
// whom the last of them is about; ok is false after the last record. The bytes are valid until the following call.
func (t *Traffic) NextRecord() (person uint32, record []byte, ok bool) {
	if t.Shape.Append == nil {
		return t.Next()
	}
	t.held, t.parts = t.held[:0], t.parts[:0]
	for range max(1, t.Shape.Events) {
		p, event, more := t.Next()
		if !more {
			break
		}
		person = p
		t.held = append(t.held, event...)
		t.parts = append(t.parts, t.held[len(t.held)-len(event):])
	}
	if len(t.parts) == 0 {
		return 0, nil, false
	}
	t.record = t.Shape.Append(t.record[:0], t.parts)
	return person, t.record, true
}

// Made is how many events there have been.
func (t *Traffic) Made() int { return t.made }

func (t *Traffic) person() uint32 {
	if t.Scattered {
		return uint32(t.made % t.Persons)
	}
	slot := t.rng.IntN(len(t.visiting))
	if t.rng.IntN(4) == 0 { // a visit has four events on average
		t.visiting[slot] = uint32(t.rng.IntN(t.Persons))
	}
	return t.visiting[slot]
}

func (t *Traffic) kind() string {
	if len(t.Types) > 0 {
		return t.Types[t.rng.IntN(len(t.Types))]
	}
	if t.rng.IntN(20) == 0 {
		return ProfileType
	}
	return EventTypes[t.rng.IntN(len(EventTypes)-1)]
}

// appendItems lists as many items as the event's size has room for.
func (t *Traffic) appendItems(b []byte) []byte {
	const itemRoom, tailRoom = 80, 20
	for n := 0; len(b)+itemRoom+tailRoom < t.Size; n++ {
		if n > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"sku":"SKU-%05d","name":"Linen shirt, size %d","quantity":%d,"price":%d.95}`,
			t.rng.IntN(100_000), 36+t.rng.IntN(12), 1+t.rng.IntN(3), 10+t.rng.IntN(90))
	}
	return b
}

// CustomerID is how events name a person.
func CustomerID(person uint32) string {
	s := strconv.FormatUint(uint64(person), 10)
	return "c_00000000"[:10-min(len(s), 8)] + s
}
