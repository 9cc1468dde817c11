package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/consumer"
)

// FetchedPartition is what came for one partition.
type FetchedPartition struct {
	Index     int   // in the Partitions of the request
	Code      int16 // the broker's error, 0 for none
	HighWater int64
	Aborted   []AbortedRange
	Set       *consumer.Buffer // record batches, the last one perhaps cut off; nil for none
}

// AbortedRange says that a producer's records from an offset on, up to its next abort marker, belong to a transaction
// that failed.
type AbortedRange struct{ Producer, First int64 }

// ErrAnswer says that an answer of a broker makes no sense.
var ErrAnswer = errors.New("the broker's answer is malformed")

// answerReader takes a Fetch answer off a connection. Record sets are read straight into their buffers.
type answerReader struct {
	r    *bufio.Reader
	left int // bytes of the answer that are not read yet
	word [8]byte
	err  error
}

// ReadAnswer reads the answer to r and appends to dst what came for each partition, at most once for each. After an
// error that is what came before it. A record set larger than limit is thrown away and given as CodeTooLarge.
func (r *FetchRequest) ReadAnswer(from *bufio.Reader, limit int, dst []FetchedPartition) ([]FetchedPartition, error) {
	a := &answerReader{r: from, left: 4}
	a.left = int(a.int32())
	if a.err == nil && (a.left < 4 || a.left > 1<<30) {
		return dst, fmt.Errorf("%w: %d bytes", ErrAnswer, a.left)
	}
	if id := a.int32(); a.err == nil && id != r.Correlation {
		return dst, fmt.Errorf("%w: it answers another request", ErrAnswer)
	}
	a.int32() // throttled for so long
	if r.Version >= 7 {
		if code := a.int16(); a.err == nil && code != 0 {
			return dst, fmt.Errorf("fetch: %w", kafka.Error(code))
		}
		a.int32() // session
	}
	at := 0
	for range a.count(6) {
		topic := a.bytes(int(a.int16()))
		for range a.count(18) {
			i := r.find(string(topic), a.int32(), &at)
			f := a.partition(r.Version, limit)
			if a.err != nil {
				return dst, a.err
			}
			if i < 0 || len(dst) == len(r.Partitions) {
				return dst, fmt.Errorf("%w: a partition that was not asked for", ErrAnswer)
			}
			f.Index = i
			dst = append(dst, f)
		}
	}
	if a.err == nil && a.left != 0 {
		return dst, fmt.Errorf("%w: %d bytes too many", ErrAnswer, a.left)
	}
	return dst, a.err
}

// find looks a partition up, beginning where the last one stood: answers come in the order of the request.
func (r *FetchRequest) find(topic string, partition int32, at *int) int {
	for range r.Partitions {
		i := *at
		*at = (*at + 1) % len(r.Partitions)
		if w := &r.Partitions[i]; w.Partition == partition && w.Topic == topic {
			return i
		}
	}
	return -1
}

// CodeTooLarge stands for a record set that is larger than what the bridge takes. No broker uses it.
const CodeTooLarge int16 = 32767

func (a *answerReader) partition(version int16, limit int) (f FetchedPartition) {
	f.Code = a.int16()
	f.HighWater = a.int64()
	a.int64() // last stable offset
	if version >= 5 {
		a.int64() // log start
	}
	for range a.count(16) {
		f.Aborted = append(f.Aborted, AbortedRange{Producer: a.int64(), First: a.int64()})
	}
	if version >= 11 {
		a.int32() // preferred replica: asked for by rack only
	}
	n := int(a.int32())
	switch {
	case a.err != nil || n <= 0:
	case n > a.left:
		a.err = fmt.Errorf("%w: records longer than the answer", ErrAnswer)
	case n > limit:
		f.Code = CodeTooLarge
		a.skip(n)
	default:
		f.Set = consumer.NewBuffer(n)
		a.full(f.Set.Bytes)
		if a.err != nil {
			f.Set.Release()
			f.Set = nil
		}
	}
	return f
}

// count reads the length of an array whose elements take at least size bytes each. Null is an empty array.
func (a *answerReader) count(size int) int {
	n := int(a.int32())
	if a.err == nil && n > a.left/size {
		a.err = fmt.Errorf("%w: an array of %d elements", ErrAnswer, n)
	}
	if a.err != nil {
		return 0
	}
	return max(n, 0)
}

func (a *answerReader) full(b []byte) {
	if a.err == nil && len(b) > a.left {
		a.err = fmt.Errorf("%w: it ends too early", ErrAnswer)
	}
	if a.err != nil {
		return
	}
	_, a.err = io.ReadFull(a.r, b)
	a.left -= len(b)
}

func (a *answerReader) bytes(n int) []byte {
	if n < 0 || a.err != nil {
		return nil
	}
	b := make([]byte, n)
	a.full(b)
	return b
}

func (a *answerReader) skip(n int) {
	if a.err == nil {
		_, a.err = a.r.Discard(n)
		a.left -= n
	}
}

func (a *answerReader) int16() int16 {
	a.word = [8]byte{}
	a.full(a.word[:2])
	return int16(binary.BigEndian.Uint16(a.word[:]))
}

func (a *answerReader) int32() int32 {
	a.word = [8]byte{}
	a.full(a.word[:4])
	return int32(binary.BigEndian.Uint32(a.word[:]))
}

func (a *answerReader) int64() int64 {
	a.word = [8]byte{}
	a.full(a.word[:8])
	return int64(binary.BigEndian.Uint64(a.word[:]))
}
