package unmatched

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// MaxTypes is how many types are told apart; what comes after them is counted as one. MaxTypeBytes is how much of a
// type is kept.
const (
	MaxTypes     = 100
	MaxTypeBytes = 100
)

// Type is a type of events that no rule names.
type Type struct {
	Type   string // up to MaxTypeBytes, then an ellipsis
	Events uint64
	// First and Last are between which times the records of its events were written; zero where the broker gave none.
	First, Last time.Time
}

// Types is the types that were seen. It is safe for use by several goroutines, and fastest where each says another
// number to Add.
type Types struct{ tables [4]table }

type table struct {
	mu     sync.Mutex
	types  map[string]*row
	others uint64

	_ [24]byte // apart from the next table in the processor's cache
}

type row struct {
	events      uint64
	first, last int64 // unix milliseconds
}

// Add counts an event of a type, whose record was written at a time in unix milliseconds, or 0 where that is not known.
// Any number will do.
func (t *Types) Add(number int, typ []byte, ms int64) {
	if len(typ) > MaxTypeBytes {
		typ = shortened(typ)
	}
	in := &t.tables[uint(number)%uint(len(t.tables))]
	in.mu.Lock()
	defer in.mu.Unlock()
	r := in.types[string(typ)]
	switch {
	case r != nil:
	case len(in.types) >= MaxTypes:
		in.others++
		return
	default:
		if in.types == nil {
			in.types = map[string]*row{}
		}
		r = &row{}
		in.types[strings.ToValidUTF8(string(typ), "\ufffd")] = r
	}
	r.add(1, ms, ms)
}

func (r *row) add(events uint64, first, last int64) {
	r.events += events
	if first != 0 && (r.first == 0 || first < r.first) {
		r.first = first
	}
	r.last = max(r.last, last)
}

func shortened(typ []byte) []byte {
	end := MaxTypeBytes
	for end > 0 && !utf8.RuneStart(typ[end]) {
		end--
	}
	return append(slices.Clone(typ[:end]), "…"...)
}

// List gives the types with the most events first, and how many events had another type than those.
func (t *Types) List() (list []Type, others uint64) {
	all := map[string]*row{}
	for i := range t.tables {
		others += t.tables[i].addTo(all)
	}
	for typ, r := range all {
		list = append(list, Type{typ, r.events, moment(r.first), moment(r.last)})
	}
	slices.SortFunc(list, func(a, b Type) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), strings.Compare(a.Type, b.Type))
	})
	for len(list) > MaxTypes {
		others += list[len(list)-1].Events
		list = list[:len(list)-1]
	}
	return list, others
}

func (t *table) addTo(all map[string]*row) (others uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for typ, r := range t.types {
		if all[typ] == nil {
			all[typ] = &row{}
		}
		all[typ].add(r.events, r.first, r.last)
	}
	return t.others
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
