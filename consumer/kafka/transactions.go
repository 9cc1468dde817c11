package kafka

import (
	"encoding/binary"
	"slices"
)

// abortFilter finds the batches of one fetch that belong to transactions that failed. Brokers send them, and name the failed
// transactions beside them: by the producer and the offset of its first record; they end at the producer's next abort marker.
type abortFilter struct {
	coming []abortedRange // not reached yet, in the order of their first offsets
	open   map[int64]struct{}
}

func newAbortFilter(ranges []abortedRange) abortFilter {
	slices.SortFunc(ranges, func(a, b abortedRange) int { return int(max(-1, min(1, a.first-b.first))) })
	return abortFilter{coming: ranges}
}

// drops is asked for every batch in order and reports whether its records must not be read.
func (f *abortFilter) drops(h *batchHeader, records []byte) bool {
	for len(f.coming) > 0 && f.coming[0].first <= h.last() {
		if f.open == nil {
			f.open = map[int64]struct{}{}
		}
		f.open[f.coming[0].producer] = struct{}{}
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

// isAbortMarker looks into a control batch: the key of its record holds a version and the kind of the marker, 0 for an abort.
func isAbortMarker(h *batchHeader, records []byte) bool {
	var r record
	reader := newRecordReader(h, records)
	ok, err := reader.next(&r)
	return ok && err == nil && len(r.key) >= 4 && binary.BigEndian.Uint16(r.key[2:]) == 0
}
