package kafka

import (
	"context"
	"errors"
	"sync"

	"github.com/segmentio/kafka-go"
)

const (
	groupBytes = 900 << 10 // of the records of one request; a larger record goes alone
	groupCount = 1000
)

var (
	errClosed = errors.New("the bus is closed")
	errGone   = errors.New("nobody waits any more")
)

// group gathers the records that come while a request is under way, and sends them with the next one. A kafka.Writer
// alone would put each record in a queue, from which it is still sent long after the one who waited has given up. Here
// nothing is sent for which nobody waits any more.
type group struct {
	send func(context.Context, ...kafka.Message) error

	mu      sync.Mutex
	waiting []*record
	closed  bool
	more    chan struct{} // full when a record waits
	ended   chan struct{} // closed when run has ended
}

type record struct {
	message kafka.Message
	gone    <-chan struct{} // closed when nobody waits any more
	done    chan error      // takes one
}

func (r *record) isGone() bool {
	select {
	case <-r.gone:
		return true
	default:
		return false
	}
}

func newGroup(send func(context.Context, ...kafka.Message) error) *group {
	g := &group{send: send, more: make(chan struct{}, 1), ended: make(chan struct{})}
	go g.run()
	return g
}

// store returns when a record is stored, or is not going to be sent. Where ctx ends while it is being sent it may be
// stored nevertheless.
func (g *group) store(ctx context.Context, m kafka.Message) error {
	r := &record{m, ctx.Done(), make(chan error, 1)}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return errClosed
	}
	g.waiting = append(g.waiting, r)
	g.wake()
	g.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wake tells run that something has changed.
func (g *group) wake() {
	select {
	case g.more <- struct{}{}:
	default:
	}
}

func (g *group) run() {
	defer close(g.ended)
	for range g.more {
		for {
			list, closed := g.take()
			if closed {
				return
			}
			if len(list) == 0 {
				break
			}
			g.sendAll(list)
		}
	}
}

// take is what the next request sends. What waits when the group is closed is refused.
func (g *group) take() (list []*record, closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		for _, r := range g.waiting {
			r.done <- errClosed
		}
		return nil, true
	}
	n, size := 0, 0
	for ; n < len(g.waiting) && len(list) < groupCount; n++ {
		r := g.waiting[n]
		if r.isGone() {
			continue
		}
		size += sizeOf(r.message)
		if len(list) > 0 && size > groupBytes {
			break
		}
		list = append(list, r)
	}
	g.waiting = append([]*record(nil), g.waiting[n:]...)
	return list, false
}

// sendAll sends records in one request. Where the topic takes no request of that size each goes alone.
func (g *group) sendAll(list []*record) {
	messages := make([]kafka.Message, len(list))
	for i, r := range list {
		messages[i] = r.message
	}
	ctx, cancel := context.WithTimeout(context.Background(), attemptTime)
	defer cancel()
	err := g.send(ctx, messages...)
	var each kafka.WriteErrors
	apart := errors.As(err, &each) && len(each) == len(list)
	for i, r := range list {
		one := err
		if apart {
			one = each[i]
		}
		switch tooLarge := errors.Is(one, kafka.MessageSizeTooLarge); {
		case tooLarge && r.isGone():
			r.done <- errGone
		case tooLarge && len(list) > 1:
			g.sendAll([]*record{r})
		default:
			r.done <- one
		}
	}
}

func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	g.wake()
	g.mu.Unlock()
	<-g.ended
}

// sizeOf is about what a record takes in a request.
func sizeOf(m kafka.Message) int {
	size := len(m.Key) + len(m.Value) + 64
	for _, h := range m.Headers {
		size += len(h.Key) + len(h.Value)
	}
	return size
}
