package consumer

import "sync"

// maxIdleBytes bounds the memory of the buffers that are kept for reuse.
const maxIdleBytes = 4 << 20

// idleBuffers are the buffers that wait for reuse. A sync.Pool would lose them with every second garbage collection,
// and they are most of what there would be to collect.
var idleBuffers bufferPool

type bufferPool struct {
	mu    sync.Mutex
	free  [classes][]*Buffer
	bytes int
}

// get gives a buffer of the class, or of one that is less than twice as large, or nil.
func (k *bufferPool) get(class int) *Buffer {
	k.mu.Lock()
	defer k.mu.Unlock()
	for class, last := class, min(class+steps, classes); class < last; class++ {
		if b := k.pop(class); b != nil {
			return b
		}
	}
	return nil
}

func (k *bufferPool) pop(class int) *Buffer {
	free := &k.free[class]
	last := len(*free) - 1
	if last < 0 {
		return nil
	}
	b := (*free)[last]
	(*free)[last] = nil
	*free = (*free)[:last]
	k.bytes -= sizeOf(class)
	return b
}

// put keeps a buffer. It takes the place of buffers of other classes, which were of use when fetches had another size.
func (k *bufferPool) put(b *Buffer, class int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	size := sizeOf(class)
	for other := classes - 1; other >= 0 && k.bytes+size > maxIdleBytes; other-- {
		for other != class && k.bytes+size > maxIdleBytes && k.pop(other) != nil {
		}
	}
	if k.bytes+size <= maxIdleBytes {
		k.free[class] = append(k.free[class], b)
		k.bytes += size
	}
}
