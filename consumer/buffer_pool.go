package consumer

import "sync"

// maxIdleBytes bounds the memory of the buffers that are kept for reuse.
const maxIdleBytes = 4 << 20

// idleBuffers are the buffers that wait for reuse. A sync.Pool would lose them with every second garbage collection,
// and they are most of what there would be to collect.
var idleBuffers bufferPool

type bufferPool struct {
	mu    sync.Mutex
	free  [largestClass - smallestClass + 1][]*Buffer
	bytes int
}

// get gives a buffer of the class, or nil.
func (k *bufferPool) get(class int) *Buffer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pop(class)
}

func (k *bufferPool) pop(class int) *Buffer {
	free := &k.free[class-smallestClass]
	last := len(*free) - 1
	if last < 0 {
		return nil
	}
	b := (*free)[last]
	(*free)[last] = nil
	*free = (*free)[:last]
	k.bytes -= 1 << class
	return b
}

// put keeps a buffer. It takes the place of buffers of other classes, which were of use when fetches had another size.
func (k *bufferPool) put(b *Buffer, class int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for other := largestClass; other >= smallestClass && k.bytes+1<<class > maxIdleBytes; other-- {
		for other != class && k.bytes+1<<class > maxIdleBytes && k.pop(other) != nil {
		}
	}
	if k.bytes+1<<class <= maxIdleBytes {
		k.free[class-smallestClass] = append(k.free[class-smallestClass], b)
		k.bytes += 1 << class
	}
}
