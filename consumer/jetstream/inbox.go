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

// inbox receives the answers to requests for messages, in the order in which the server sent them, over a connection
// of its own.
//
// The messages are read in place. The client library copies each message, makes a map of its headers and passes it on
// through a channel, which costs more than all that the bridge does with a message.
//
// readLoop reads the connection all the time, whatever becomes of the messages, because a server closes a connection
// that is not read. How much can arrive is bounded by what was asked for. receive and request are called from one
// goroutine.
type inbox struct {
	conn      net.Conn
	subject   string
	chunkSize int           // bytes
	arrived   chan struct{} // signaled when messages have arrived, or the connection has ended
	received  atomic.Uint64 // messages so far
	held      heldBytes     // of what has arrived and is not acked
	reading   sync.WaitGroup
	writeMu   sync.Mutex // held during a write

	mu    sync.Mutex
	queue []frame // what has arrived and was not received yet
	err   error   // why the connection has ended
}

// The sizes of chunks. Large ones need fewer system calls. With small ones, a slow message keeps less memory.
const smallestChunk, largestChunk = 4 << 10, 64 << 10

// subscribe opens a connection and subscribes to an inbox on it.
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

// openInbox begins to read a connection. The inbox has room while at most half of fetchBytes is held.
func openInbox(conn net.Conn, subject string, fetchBytes int64) *inbox {
	b := &inbox{
		conn: conn, subject: subject,
		chunkSize: int(min(max(fetchBytes/16, smallestChunk), largestChunk)),
		arrived:   make(chan struct{}, 1),
		held:      heldBytes{resumeBelow: fetchBytes / 2, roomAgain: make(chan struct{}, 1)},
	}
	b.reading.Go(b.readLoop)
	return b
}

// request asks the server for messages, which it sends to this inbox.
func (b *inbox) request(subject string, body []byte) error {
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

// close ends the connection, and waits for readLoop. Messages that were received stay valid.
func (b *inbox) close() {
	b.conn.Close()
	b.reading.Wait()
}

// receive returns what has arrived since the last call, and why nothing comes after it if the connection has ended.
// It reuses the memory of the frames that it returned last.
func (b *inbox) receive(used []frame) ([]frame, error) {
	clear(used)
	b.mu.Lock()
	defer b.mu.Unlock()
	frames := b.queue
	b.queue = used[:0]
	return frames, b.err
}

// readLoop reads what the server sends until the connection ends.
func (b *inbox) readLoop() {
	c := newChunk(b.chunkSize, &b.held)
	defer func() { c.seal() }()
	from, to := 0, 0 // what has been read and not parsed yet
	for {
		n, err := b.conn.Read(c.Bytes[to:])
		to += n
		size, need, parseErr := b.parse(c, c.Bytes[from:to])
		from += size
		if parseErr != nil {
			err = parseErr
		}
		if err != nil {
			b.end(err)
			return
		}
		if len(c.Bytes)-to < b.chunkSize/8 || len(c.Bytes)-from < need {
			next := newChunk(max(b.chunkSize, need), &b.held)
			to = copy(next.Bytes, c.Bytes[from:to])
			from = 0
			c.seal()
			c = next
		}
	}
}

// parse puts the whole messages at the front of p into the queue, and answers pings. It returns the number of bytes
// that it has parsed, and how many the message after them will take.
func (b *inbox) parse(c *chunk, p []byte) (size, need int, err error) {
	pings, arrived, size, need, err := b.enqueue(c, p)
	if arrived > 0 {
		b.received.Add(uint64(arrived))
		signal(b.arrived)
	}
	for ; pings > 0 && err == nil; pings-- {
		err = b.write([]byte("PONG\r\n"))
	}
	return size, need, err
}

func (b *inbox) enqueue(c *chunk, p []byte) (pings, arrived, size, need int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for size < len(p) {
		f := frame{chunk: c}
		op, n, more, parseErr := parseFrame(p[size:], &f)
		if n == 0 {
			need, err = more, parseErr
			break
		}
		size += n
		switch op {
		case opMessage:
			b.queue = append(b.queue, f)
			arrived++
		case opPing:
			pings++
		}
	}
	if arrived > 0 {
		c.addMessages(arrived, int64(size))
	}
	return pings, arrived, size, need, err
}

// end notes why the connection has ended.
func (b *inbox) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err = err; !errors.Is(err, errRefused) {
		b.err = fmt.Errorf("%w: %w", errDisconnected, err)
	}
	signal(b.arrived)
}
