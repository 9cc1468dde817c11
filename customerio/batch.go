package customerio

import "slices"

// BatchPath is where batches are posted.
const BatchPath = "/api/v2/batch"

const batchHead, segmentHead, batchComma, batchTail = `{"batch":[`, `{"ids":[`, `,`, `]}`

// BatchEnvelope is the number of bytes around the items of a batch. Between two items stands one byte more.
const BatchEnvelope = len(batchHead) + len(batchTail)

var comma, tail = []byte(batchComma), []byte(batchTail)

// A ListOf says what the items of a body are.
type ListOf []byte

// The lists that requests carry: the items of a Track v2 batch, and the identifiers of persons whom a request adds to a
// manual segment or takes out of it.
var (
	BatchItems = ListOf(batchHead)
	SegmentIDs = ListOf(segmentHead)
)

// With is a body with one item.
func (of ListOf) With(item []byte) []byte { return slices.Concat(of, item, tail) }

// BatchBody lists the parts of a body that is a list: the items where they stand, and what is around them. It may be
// used again after Reset.
type BatchBody struct {
	parts [][]byte
	size  int
}

// Begin begins the body of a list.
func (b *BatchBody) Begin(of ListOf) {
	b.parts = append(b.parts, of)
	b.size += len(of)
}

// Add appends an item, which must not change until the request has been made.
func (b *BatchBody) Add(item []byte) {
	if len(b.parts) > 1 {
		b.parts = append(b.parts, comma)
		b.size += len(comma)
	}
	b.parts = append(b.parts, item)
	b.size += len(item)
}

// Close ends the body and gives its parts and their size.
func (b *BatchBody) Close() (parts [][]byte, size int) {
	b.parts = append(b.parts, tail)
	b.size += len(tail)
	return b.parts, b.size
}

// Reset empties the body and keeps no item alive.
func (b *BatchBody) Reset() {
	clear(b.parts)
	b.parts, b.size = b.parts[:0], 0
}
