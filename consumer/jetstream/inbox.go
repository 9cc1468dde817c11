package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// inbox receives the answers to requests for messages, in the order in which the server sent them, over a connection of its own. They
// are read in place: the client library's way, where every message is copied, gets a map of its headers and is passed on through a
// channel, costs more than all that the bridge does with a message.
//
// The connection is always read, whatever is done with what came, since a server closes one that is not. What may come is bounded
// by what was asked for.
type inbox struct {
	conn        net.Conn
	subject     string
	chunkSize   int           // bytes of a chunk
	resumeBelow int64         // half of what may be held
	arrived     chan struct{} // rung when something has come or the connection is at its end
	belowHalf   chan struct{} // rung when what is held has come down to low
	heldBytes   atomic.Int64  // bytes of what has come and is not done
	received    atomic.Uint64 // messages so far
	readers     sync.WaitGroup
	writeMu     sync.Mutex

	mu    sync.Mutex
	queue []frame
	err   error // why the connection is at its end
}

// The sizes of chunks. Large ones make few calls of the system, small ones let little memory be kept by one slow message.
const smallestChunk, largestChunk = 4 << 10, 64 << 10

func (r *reader) subscribe(ctx context.Context) (*inbox, error) {
	conn, err := r.conn.Dial(ctx)
	if err != nil {
		return nil, err
	}
	b := openInbox(conn, r.conn.Conn().NewInbox(), r.cfg.FetchBytes)
	if err := b.write(fmt.Appendf(nil, "SUB %s 1\r\n", b.subject)); err != nil {
		b.close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return b, nil
}

// openInbox begins to read a connection. Asking for more is over while more than half of fetchBytes is held.
func openInbox(conn net.Conn, subject string, fetchBytes int64) *inbox {
	b := &inbox{
		conn: conn, subject: subject,
		chunkSize:   int(min(max(fetchBytes/16, smallestChunk), largestChunk)),
		resumeBelow: fetchBytes / 2,
		arrived:     make(chan struct{}, 1), belowHalf: make(chan struct{}, 1),
	}
	b.readers.Go(b.readLoop)
	return b
}

func (b *inbox) request(subject string, p pull) error {
	body := p.encode()
	if err := b.write(fmt.Appendf(nil, "PUB %s %s %d\r\n%s\r\n", subject, b.subject, len(body), body)); err != nil {
		return fmt.Errorf("ask for messages: %w", err)
	}
	return nil
}

const writeLimit = 5 * time.Second

func (b *inbox) write(p []byte) error {
	b.writeMu.Lock()
	defer b.writeMu.Unlock()
	_ = b.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	_, err := b.conn.Write(p)
	return err
}

// close ends the connection. What has been handed over stays valid.
func (b *inbox) close() {
	b.conn.Close()
	b.readers.Wait()
}

// receive gives what has come since the last time, in exchange for the memory of what it gave then, and the reason when nothing comes
// after it.
func (b *inbox) receive(used []frame) ([]frame, error) {
	clear(used)
	b.mu.Lock()
	defer b.mu.Unlock()
	frames := b.queue
	b.queue = used[:0]
	return frames, b.err
}

// readLoop takes in what the server sends until the connection is at its end.
func (b *inbox) readLoop() {
	s := b.newChunk(b.chunkSize)
	defer func() { s.seal() }()
	from, to := 0, 0 // what has come and is not understood yet
	for {
		n, err := b.conn.Read(s.Bytes[to:])
		to += n
		size, need, wrong := b.parse(s, s.Bytes[from:to])
		from += size
		if wrong != nil {
			err = wrong
		}
		if err != nil {
			b.fail(err)
			return
		}
		if len(s.Bytes)-to < b.chunkSize/8 || len(s.Bytes)-from < need {
			next := b.newChunk(max(b.chunkSize, need))
			to = copy(next.Bytes, s.Bytes[from:to])
			from = 0
			s.seal()
			s = next
		}
	}
}

// parse puts the whole messages at the front of p into the queue and answers what asks for an answer. It returns the number of
// bytes that are done with, and how many the message after them will take.
func (b *inbox) parse(s *chunk, p []byte) (size, need int, err error) {
	pings, err := 0, error(nil)
	b.mu.Lock()
	before := len(b.queue)
	for size < len(p) {
		f := frame{chunk: s}
		op, n, more, wrong := parseFrame(p[size:], &f)
		if n == 0 {
			need, err = more, wrong
			break
		}
		size += n
		switch op {
		case opMessage:
			b.queue = append(b.queue, f)
		case opPing:
			pings++
		}
	}
	came := len(b.queue) - before
	if came > 0 {
		s.addMessages(came, int64(size))
	}
	b.mu.Unlock()
	if came > 0 {
		b.received.Add(uint64(came))
		signal(b.arrived)
	}
	for ; pings > 0 && err == nil; pings-- {
		err = b.write([]byte("PONG\r\n"))
	}
	return size, need, err
}

func (b *inbox) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err = err; !errors.Is(err, errRefused) {
		b.err = fmt.Errorf("%w: %w", errDisconnected, err)
	}
	signal(b.arrived)
}

// freed notes that bytes are not held any more.
func (b *inbox) freed(bytes int64) {
	if now := b.heldBytes.Add(-bytes); now <= b.resumeBelow && now+bytes > b.resumeBelow {
		signal(b.belowHalf)
	}
}

func signal(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
