package consumer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/ciobridge/ciobridge/broker"
)

const (
	clientName  = "ciobridge"
	longestWait = 500 * time.Millisecond // of a fetch that finds nothing
	soonestWait = 10 * time.Millisecond
)

// While so many chunks wait for their workers, a fetcher lets more partitions become ready before it asks for the next ones: a
// request for a few of many partitions costs as much as one for all.
const (
	muchQueued = 16
	gather     = 3 * time.Millisecond
)

// fetcher reads from one broker the partitions that it leads, over one connection, one request at a time.
type fetcher struct {
	g       *generation
	addr    string
	trouble *trouble
	wake    chan struct{} // holds one
	redial  atomic.Bool   // what came over the connection was damaged

	mu         sync.Mutex
	partitions []*partition // in the order of their keys
	turn       int          // who stands first in the next request
	queued     int          // chunks that wait for their workers

	conn    *broker.KafkaConn
	reader  *bufio.Reader
	request fetchRequest
	asked   []*partition // for each of request.partitions
	epochs  []int
	encoded []byte
}

// signal makes the fetcher look at its partitions again.
func (f *fetcher) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run serves the partitions until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	defer f.disconnect()
	for ctx.Err() == nil {
		if f.queued >= muchQueued {
			pause(ctx, gather)
		}
		lost, again := f.plan(time.Now())
		if len(lost) == 0 && len(f.asked) == 0 {
			f.sleep(ctx, again)
			continue
		}
		err := f.serve(ctx, lost)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			f.trouble.over()
			continue
		}
		f.disconnect()
		f.g.routeAgain()
		pause(ctx, f.trouble.note(err))
	}
}

// plan decides what to do next: which partitions are to be located, and which chunks to ask for.
func (f *fetcher) plan(now time.Time) (lost []*partition, again time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.epochs, f.request.partitions, f.request.maxBytes = f.asked[:0], f.epochs[:0], f.request.partitions[:0], 0
	f.queued = 0
	wait := longestWait
	for i := range f.partitions {
		p := f.partitions[(f.turn+i)%len(f.partitions)]
		p.mu.Lock()
		at := p.notBefore
		if ok, _ := p.ready(now, phaseLocate); ok {
			lost = append(lost, p)
			at = time.Time{}
		} else if ok, _ := p.ready(now, phaseRead); ok {
			f.ask(p)
			at = time.Time{}
		} else if !p.queued.IsZero() {
			f.queued++
			// It will want its turn soon, probably after as long again as it has been waiting.
			wait = min(wait, max(soonestWait, now.Sub(p.queued)))
		}
		if at.After(now) && p.phase != phaseHalted {
			wait = min(wait, max(soonestWait, at.Sub(now)))
			if again.IsZero() || at.Before(again) {
				again = at
			}
		}
		p.mu.Unlock()
	}
	f.turn++
	f.request.maxWait = int32(wait.Milliseconds())
	return lost, again
}

// ask adds a partition to the request, if the window has room for it. The caller holds p.mu.
func (f *fetcher) ask(p *partition) {
	n := max(p.bytes, f.g.fetchSize)
	if !f.g.window.reserve(&p.share, int64(n)) {
		return // the window signals when there is room
	}
	f.asked = append(f.asked, p)
	f.epochs = append(f.epochs, p.epoch)
	f.request.partitions = append(f.request.partitions, wanted{topic: p.key.topic, partition: p.key.id, offset: p.next, bytes: n})
	f.request.maxBytes += n
}

// reserved gives what the window holds for the partitions that are asked for.
func (f *fetcher) reserved(yield func(*share, int64) bool) {
	for i, p := range f.asked {
		if !yield(&p.share, int64(f.request.partitions[i].bytes)) {
			return
		}
	}
}

// serve locates what is lost, and otherwise fetches.
func (f *fetcher) serve(ctx context.Context, lost []*partition) error {
	defer f.g.window.giveAll(f.reserved, false)
	if f.redial.Swap(false) {
		f.disconnect()
	}
	if f.conn == nil {
		if err := f.connect(ctx); err != nil {
			return err
		}
	}
	if len(lost) > 0 {
		return f.g.locate(ctx, f.conn, lost)
	}
	return f.fetch(ctx)
}

func (f *fetcher) connect(ctx context.Context) error {
	conn, err := f.g.source.kafka.Dial(ctx, f.addr)
	if err != nil {
		return fmt.Errorf("connect to fetch: %w", err)
	}
	oldest, newest := conn.Versions(protocol.Fetch)
	if newest < fetchOldest || oldest > fetchNewest {
		conn.Close()
		return fmt.Errorf("fetch from %s: the broker speaks versions %d to %d of Fetch, the bridge %d to %d: %w",
			f.addr, oldest, newest, fetchOldest, fetchNewest, kafka.UnsupportedVersion)
	}
	f.conn, f.request.version = conn, min(newest, fetchNewest)
	f.reader = nil
	return nil
}

func (f *fetcher) disconnect() {
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
}

// fetch makes one request and hands its chunks to the workers.
func (f *fetcher) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(f.request.maxWait)*time.Millisecond+f.g.source.config.SessionTimeout)
	defer cancel()
	f.request.correlation++
	f.encoded = f.request.appendTo(f.encoded[:0], clientName)
	err := f.conn.Exchange(ctx, f.encoded, func(r io.Reader) error {
		if f.reader == nil {
			f.reader = bufio.NewReaderSize(r, 32<<10)
		}
		return f.request.readAnswer(f.reader, f.g.source.config.MaxBatchBytes, func(i int, got fetched) {
			f.take(f.asked[i], f.epochs[i], f.request.partitions[i].offset, got)
		})
	})
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", f.addr, err)
	}
	return nil
}

// sleep waits for a signal or for a time; the zero time is no time.
func (f *fetcher) sleep(ctx context.Context, until time.Time) {
	var timer <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
	case <-f.wake:
	case <-timer:
	}
}

// pause waits, but not beyond ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
