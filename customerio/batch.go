package customerio

// BatchPath is where batches are posted.
const BatchPath = "/api/v2/batch"

const batchHead, batchComma, batchTail = `{"batch":[`, `,`, `]}`

// BatchEnvelope is the number of bytes around the items of a batch. Between two items stands one byte more.
const BatchEnvelope = len(batchHead) + len(batchTail)

var head, comma, tail = []byte(batchHead), []byte(batchComma), []byte(batchTail)

// BatchBody lists the parts of a batch's body: the items where they stand, and what is around them. It may be used
// again after Reset.
type BatchBody struct {
	parts [][]byte
	size  int
}

// Add appends an item, which must not change until the request has been made.
func (b *BatchBody) Add(item []byte) {
	before := comma
	if len(b.parts) == 0 {
		before = head
	}
	b.parts = append(b.parts, before, item)
	b.size += len(before) + len(item)
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
