package wire

import (
	"encoding/binary"
	"slices"
)

// AbortFilter finds the batches of one fetch that belong to transactions that failed. Brokers send them, and name the
// failed transactions beside them: by the producer and the offset of its first record; they end at the producer's next
// abort marker.
type AbortFilter struct {
	coming []AbortedRange // not reached yet, in the order of their first offsets
	open   map[int64]struct{}
}

// NewAbortFilter makes a filter for the batches of one fetch, given the failed transactions that came with them.
func NewAbortFilter(ranges []AbortedRange) AbortFilter {
	slices.SortFunc(ranges, func(a, b AbortedRange) int { return int(max(-1, min(1, a.First-b.First))) })
	return AbortFilter{coming: ranges}
}

// Drops is asked for every batch in order and reports whether its records must not be read.
func (f *AbortFilter) Drops(h *BatchHeader, records []byte) bool {
	for len(f.coming) > 0 && f.coming[0].First <= h.Last() {
		if f.open == nil {
			f.open = map[int64]struct{}{}
		}
		f.open[f.coming[0].Producer] = struct{}{}
		f.coming = f.coming[1:]
	}
	if h.control() {
		if isAbortMarker(h, records) {
			delete(f.open, h.producer)
		}
		return true
	}
	if !h.transactional() {
		return false
	}
	_, aborted := f.open[h.producer]
	return aborted
}

// isAbortMarker looks into a control batch: the key of its record holds a version and the kind of the marker, 0 for an
// abort.
func isAbortMarker(h *BatchHeader, records []byte) bool {
	var r Record
	reader := NewRecordReader(h, records)
	ok, err := reader.Next(&r)
	return ok && err == nil && len(r.Key) >= 4 && binary.BigEndian.Uint16(r.Key[2:]) == 0
}
