package consumer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
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

// While so many chunks are not handed over, a fetcher waits before it asks for more, which would only stand in memory. It does not wait
// for long: they may be those of partitions that are stuck, which must not hold up the others.
const (
	muchOpen = 16
	openFor  = 50 * time.Millisecond
)

// fetcher reads from one broker the partitions that it leads, over one connection, one request at a time.
type fetcher struct {
	g       *generation
	addr    string
	trouble *trouble
	wake    chan struct{} // holds one
	redial  atomic.Bool   // what came over the connection was damaged
	open    atomic.Int32  // chunks that are not handed over

	mu         sync.Mutex
	partitions []*partition // in the order of their keys

	last     *partition // whose turn it was last
	cut      *partition // what it was given was too little for a batch; it stands first in the next request
	reserved int64      // what the window holds for the request

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
		f.await(ctx)
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

// await holds the fetcher back while much is not handed over.
func (f *fetcher) await(ctx context.Context) {
	for until := time.Now().Add(openFor); f.open.Load() >= muchOpen && time.Now().Before(until) && ctx.Err() == nil; {
		f.sleep(ctx, until)
	}
}

// handedOver notes that a chunk is.
func (f *fetcher) handedOver() {
	f.open.Add(-1)
	f.signal()
}

// plan decides what to do next: which partitions are to be located, and which chunks to ask for.
func (f *fetcher) plan(now time.Time) (lost []*partition, again time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.epochs, f.request.partitions = f.asked[:0], f.epochs[:0], f.request.partitions[:0]
	wait, first := longestWait, f.first()
	for i := range f.partitions {
		p := f.partitions[(first+i)%len(f.partitions)]
		p.mu.Lock()
		at := p.notBefore
		if ok, _ := p.ready(now, phaseLocate); ok {
			lost = append(lost, p)
			at = time.Time{}
		} else if ok, _ := p.ready(now, phaseRead); ok {
			f.ask(p)
			at = time.Time{}
		} else if p.queued != nil {
			// It will want its turn soon, probably after as long again as it has been waiting.
			wait = min(wait, max(soonestWait, now.Sub(p.queued.came)))
		}
		if at.After(now) && p.phase != phaseHalted {
			wait = min(wait, max(soonestWait, at.Sub(now)))
			if again.IsZero() || at.Before(again) {
				again = at
			}
		}
		p.mu.Unlock()
	}
	f.request.maxWait = int32(wait.Milliseconds())
	f.reserve()
	return lost, again
}

// first is the index of the partition that stands first in the next request: the one behind the last that was given something, so that
// an answer that is full before it has come round favours nobody.
func (f *fetcher) first() int {
	if i := slices.Index(f.partitions, f.cut); i >= 0 {
		return i
	}
	return slices.Index(f.partitions, f.last) + 1
}

// ask adds a partition to the request. The caller holds p.mu.
func (f *fetcher) ask(p *partition) {
	n := max(p.bytes, f.g.fetchSize)
	if !f.g.window.allows(&p.share, int64(n)) {
		return
	}
	f.asked = append(f.asked, p)
	f.epochs = append(f.epochs, p.epoch)
	f.request.partitions = append(f.request.partitions, wanted{topic: p.key.topic, partition: p.key.id, offset: p.next, bytes: n})
}

// reserve takes room for the answer, and drops the request where there is none; the window signals when there is. An answer brings
// much of a few partitions, not a little of each of many: what it costs is by the partition.
func (f *fetcher) reserve() {
	var all, least int64
	for _, p := range f.request.partitions {
		all += int64(p.bytes)
		least = max(least, int64(p.bytes))
	}
	f.reserved = f.g.window.reserve(min(all, max(f.g.answerBytes(), least)), least)
	if f.reserved == 0 {
		f.asked = f.asked[:0]
	}
	f.request.maxBytes = int32(min(f.reserved, math.MaxInt32))
}

// serve locates what is lost, and otherwise fetches.
func (f *fetcher) serve(ctx context.Context, lost []*partition) error {
	defer f.release()
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

// release gives back what the window holds for the request.
func (f *fetcher) release() {
	f.g.window.give(nil, f.reserved, false)
	f.reserved = 0
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
	limited, cancel := context.WithTimeout(ctx, time.Duration(f.request.maxWait)*time.Millisecond+f.g.source.config.SessionTimeout)
	defer cancel()
	f.cut = nil
	f.request.correlation++
	f.encoded = f.request.appendTo(f.encoded[:0], clientName)
	err := f.conn.Exchange(limited, f.encoded, func(r io.Reader) error {
		if f.reader == nil {
			f.reader = bufio.NewReaderSize(r, 32<<10)
		}
		return f.request.readAnswer(f.reader, f.g.source.config.MaxBatchBytes, func(i int, got fetched) {
			f.take(ctx, f.asked[i], f.epochs[i], f.request.partitions[i].offset, got)
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
