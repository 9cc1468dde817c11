package inflight

import "sync"

const (
	maxPooled    = 8192 // messages that wait to be used again
	poolTransfer = 64   // messages that change hands under one lock
)

// Pool keeps finished messages for those to come. It may be used from several goroutines.
type Pool struct {
	caches sync.Pool // of *cache, of which each processor has one at hand

	mu   sync.Mutex
	free []*Message
}

type cache struct{ free []*Message }

// Get gives an empty message.
func (p *Pool) Get() *Message {
	c, ok := p.caches.Get().(*cache)
	if !ok {
		c = &cache{free: make([]*Message, 0, poolTransfer)}
	}
	defer p.caches.Put(c)
	if len(c.free) == 0 {
		p.fill(c)
	}
	last := len(c.free) - 1
	if last < 0 {
		return &Message{}
	}
	m := c.free[last]
	c.free = c.free[:last]
	return m
}

func (p *Pool) fill(c *cache) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := max(0, len(p.free)-poolTransfer)
	c.free = append(c.free, p.free[from:]...)
	clear(p.free[from:])
	p.free = p.free[:from]
}

// Put takes messages back that nobody will look at again.
func (p *Pool) Put(done []*Message) {
	for _, m := range done {
		*m = Message{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, done[:min(len(done), maxPooled-len(p.free))]...)
}
