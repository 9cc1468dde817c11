package jetstream

import (
	"sync"
	"sync/atomic"

	"github.com/ciobridge/ciobridge/consumer"
)

// chunk is a buffer that a connection is read into. Its messages point into it. The buffer goes back to its pool when
// the connection needs it no more and all its messages are acked.
//
// All bytes that were read into a chunk count as held by the inbox while one of its messages is in flight, because
// that one keeps the memory of all.
type chunk struct {
	*consumer.Buffer
	held     *heldBytes
	inFlight atomic.Int32 // messages that are not acked

	mu      sync.Mutex
	size    int64 // bytes that were read into it
	counted int64 // bytes of those that count as held
	sealed  bool  // nothing more is read into it
}

func newChunk(size int, held *heldBytes) *chunk {
	return &chunk{Buffer: consumer.NewBuffer(size), held: held}
}

// addMessages counts messages that have arrived, and all bytes that they take.
func (c *chunk) addMessages(messages int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight.Add(int32(messages))
	c.size += bytes
	c.held.count.Add(c.size - c.counted)
	c.counted = c.size
}

// ackMessage says that nobody needs the bytes of a message any more.
func (c *chunk) ackMessage() {
	if c.inFlight.Add(-1) == 0 {
		c.freeIfUnused()
	}
}

// seal says that nothing more is read into the chunk.
func (c *chunk) seal() {
	c.mu.Lock()
	c.sealed = true
	c.mu.Unlock()
	c.freeIfUnused()
}

// freeIfUnused frees what is not needed any more, unless more messages have arrived meanwhile.
func (c *chunk) freeIfUnused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inFlight.Load() != 0 {
		return
	}
	c.held.free(c.counted)
	c.counted = 0
	if c.sealed && c.Buffer != nil {
		c.Buffer.Release()
		c.Buffer = nil
	}
}

// heldBytes counts the bytes of all chunks of an inbox that messages in flight need.
type heldBytes struct {
	count       atomic.Int64
	resumeBelow int64         // half of what may be held
	roomAgain   chan struct{} // signaled when count has come down to resumeBelow
}

// hasRoom reports whether more may be asked for.
func (h *heldBytes) hasRoom() bool { return h.count.Load() <= h.resumeBelow }

// free notes that bytes are not held any more.
func (h *heldBytes) free(bytes int64) {
	if now := h.count.Add(-bytes); now <= h.resumeBelow && now+bytes > h.resumeBelow {
		signal(h.roomAgain)
	}
}

// signal wakes whoever waits on c, or the next one that does.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
