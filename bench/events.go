package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

const (
	minEventSize = 260
	maxEventSize = 1000 // the longest attribute value that Customer.io takes
)

// profileType is the one type of event that changes a person's profile; all others become events of the person.
const profileType = "shop.customer.updated"

// eventTypes are what happens in the shop. Each has a rule of its own in the bridge's configuration.
var eventTypes = [10]string{
	"shop.product.viewed", "shop.search.performed", "shop.cart.item_added", "shop.cart.abandoned", "shop.order.completed",
	"shop.order.shipped", "shop.order.refunded", "shop.review.written", "shop.newsletter.opened", profileType,
}

// load says what is published.
type load struct {
	events, persons, size int
	partitions            int      // of the topic, or those into which subjects divide the stream
	types                 []string // of the events; all ten where it is empty
	scattered             bool     // person after person in place of visits, so that no event waits for one before it
	stamped               bool     // each event tells when it was made
}

// equal reports whether the same would be published.
func (l load) equal(m load) bool {
	return l.events == m.events && l.persons == m.persons && l.size == m.size && l.partitions == m.partitions &&
		slices.Equal(l.types, m.types) && l.scattered == m.scattered && l.stamped == m.stamped
}

// traffic makes the events of a shop: many persons, each coming back in short visits, nearly all events of a visit close
// together. The same numbers give the same events.
type traffic struct {
	load
	rng      *rand.Rand
	seen     []uint32 // how many events each person has had
	visiting [32]uint32
	start    time.Time
	made     int
	buf      []byte
}

func newTraffic(l load) *traffic {
	t := &traffic{
		load:  l,
		rng:   rand.New(rand.NewPCG(7, 11)),
		seen:  make([]uint32, l.persons),
		start: time.Now().Add(-time.Duration(l.events) * time.Millisecond),
	}
	for i := range t.visiting {
		t.visiting[i] = uint32(t.rng.IntN(l.persons))
	}
	return t
}

// next gives the next event and the number of the person it is about; ok is false after the last. The bytes are valid until
// the following call.
func (t *traffic) next() (person uint32, event []byte, ok bool) {
	if t.made == t.events {
		return 0, nil, false
	}
	person = t.person()
	kind := t.kind()
	at := t.start.Add(time.Duration(t.made) * time.Millisecond)

	b := fmt.Appendf(t.buf[:0], `{"id":"evt_%09d","type":"%s","time":"%s","data":{"customer_id":"%s","sequence":"%d.%d`,
		t.made, kind, at.UTC().Format("2006-01-02T15:04:05.000Z"), customerID(person), person, t.seen[person])
	if t.stamped {
		b = fmt.Appendf(b, ".%d", time.Now().UnixMicro())
	}
	b = fmt.Appendf(b, `","total":%d.%02d,"currency":"EUR","channel":"web","items":[`, 1+t.rng.IntN(200), t.rng.IntN(100))
	b = t.appendItems(b)
	b = append(b, `],"note":"`...)
	for n := 0; len(b) < t.size-len(`"}}`); n++ {
		b = append(b, "delivered to the neighbour on the second floor "[n%47])
	}
	t.buf = append(b, `"}}`...)
	t.seen[person]++
	t.made++
	return person, t.buf, true
}

func (t *traffic) person() uint32 {
	if t.scattered {
		return uint32(t.made % t.persons)
	}
	slot := t.rng.IntN(len(t.visiting))
	if t.rng.IntN(4) == 0 { // a visit has four events on average
		t.visiting[slot] = uint32(t.rng.IntN(t.persons))
	}
	return t.visiting[slot]
}

func (t *traffic) kind() string {
	if len(t.types) > 0 {
		return t.types[t.rng.IntN(len(t.types))]
	}
	if t.rng.IntN(20) == 0 {
		return profileType
	}
	return eventTypes[t.rng.IntN(len(eventTypes)-1)]
}

// appendItems lists as many items as the event's size has room for.
func (t *traffic) appendItems(b []byte) []byte {
	const itemRoom, tailRoom = 80, 20
	for n := 0; len(b)+itemRoom+tailRoom < t.size; n++ {
		if n > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"sku":"SKU-%05d","name":"Linen shirt, size %d","quantity":%d,"price":%d.95}`,
			t.rng.IntN(100_000), 36+t.rng.IntN(12), 1+t.rng.IntN(3), 10+t.rng.IntN(90))
	}
	return b
}

func customerID(person uint32) string {
	s := strconv.FormatUint(uint64(person), 10)
	return "c_00000000"[:10-min(len(s), 8)] + s
}
