package report

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
)

// mostReadBack is how many events are known at once of those that a target holds. They take 16 bytes each.
const mostReadBack = 1 << 21

// A readBack is what a target holds of events whose rows are in one part of all: for each the last revision.
type readBack struct {
	part, parts uint64
	events      []readEvent // by row, and the revisions of a row in their order
}

// A readEvent is an event that was published, by digests that are long enough for what one run publishes.
type readEvent struct {
	row      uint64
	revision uint32
	hash     uint32
}

func (r rowID) short() uint64 { return binary.BigEndian.Uint64(r[:]) }
func (h hash) short() uint32  { return binary.BigEndian.Uint32(h[:]) }

// partsOf says into how many parts rows are divided, so that what is published of one can be held, and how many events
// that is.
func partsOf(ctx context.Context, t Target, since string, most int) (parts uint64, events int, err error) {
	n := 0
	if err := t.Published(ctx, since, func(string, string) { n++ }); err != nil {
		return 0, 0, fmt.Errorf("read back what was published: %w", err)
	}
	parts = uint64(1 + n/most)
	return parts, n / int(parts), nil
}

// readPublished reads the events of one part, of which there are about as many as is expected.
func readPublished(
	ctx context.Context, t Target, since string, part, parts uint64, expected int,
) (*readBack, error) {
	b := &readBack{part: part, parts: parts, events: make([]readEvent, 0, expected+expected/32)}
	err := t.Published(ctx, since, func(id, digits string) {
		row, revision, ok := readEventID(id)
		var h hash
		if n, err := hex.Decode(h[:], []byte(digits)[:min(len(digits), 2*len(h))]); !ok || err != nil || n != len(h) ||
			!b.has(row) {
			return
		}
		b.events = append(b.events, readEvent{row.short(), uint32(revision), h.short()})
	})
	if err != nil {
		return nil, fmt.Errorf("read back what was published: %w", err)
	}
	slices.SortFunc(b.events, func(x, y readEvent) int {
		return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.revision, y.revision))
	})
	return b, nil
}

// has reports whether a row belongs to the part.
func (b *readBack) has(row rowID) bool { return b == nil || row.short()%b.parts == b.part }

// find gives the last revision that was published of a row, and the beginning of its hash; zero where none was.
func (b *readBack) find(row rowID) (revision int, hash uint32) {
	if b == nil {
		return 0, 0
	}
	key := row.short()
	behind := sort.Search(len(b.events), func(i int) bool { return b.events[i].row > key })
	if behind == 0 || b.events[behind-1].row != key {
		return 0, 0
	}
	last := b.events[behind-1]
	return int(last.revision), last.hash
}
