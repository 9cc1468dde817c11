package kafka

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
	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	clientName  = "ciobridge"
	longestWait = 500 * time.Millisecond // of a fetch that finds nothing
	soonestWait = 10 * time.Millisecond
)

// While maxUnhanded chunks are not handed over, a fetcher waits before it asks for more. The memory limiter would allow
// more, but nothing would become faster by it: workers have enough to do for a while, and what is fetched beside that
// only stands in memory. The fetcher waits for maxUnhandedWait at most, since the chunks may be those of partitions
// that are stuck, and the other partitions must be read on.
const (
	maxUnhanded     = 16
	maxUnhandedWait = 50 * time.Millisecond
)

// fetcher reads from one broker the partitions that it leads, over one connection, one request at a time.
//
// The router makes it when a partition of ours is first led by that broker, and it runs until reading ends. In each
// round it waits while workers have much to do, plans what to ask for, connects if need be, and then either starts
// partitions or fetches. After an error it closes the connection, asks the router to look for the leaders, and waits.
// Partitions come and go meanwhile; what came for one that has moved is thrown away.
type fetcher struct {
	g        *generation
	addr     string
	retries  *retryLogger
	wake     chan struct{} // holds one
	redial   atomic.Bool   // what came over the connection was damaged
	unhanded atomic.Int32  // chunks that are not handed over

	mu         sync.Mutex
	partitions []*partition // in the order of their keys

	last      *partition // that was given something
	lastFirst int        // who stood first in the last request
	truncated *partition // what it was given was too little for a batch; it stands first in the next request
	reserved  int64      // with the memory limiter, for the request

	conn    *broker.KafkaConn
	reader  *bufio.Reader
	request wire.FetchRequest
	asked   []*partition // for each of request.partitions
	epochs  []int
	encoded []byte
	answer  []wire.FetchedPartition
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
		f.awaitWorkers(ctx)
		starting, again := f.plan(time.Now())
		if len(starting) == 0 && len(f.asked) == 0 {
			f.sleep(ctx, again)
			continue
		}
		err := f.serve(ctx, starting)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			f.retries.succeeded()
			continue
		}
		f.disconnect()
		f.g.routeAgain()
		retry.Sleep(ctx, f.retries.failed(err))
	}
}

// awaitWorkers waits while many chunks are not handed over, as the constants above say.
func (f *fetcher) awaitWorkers(ctx context.Context) {
	for until := time.Now().Add(maxUnhandedWait); f.unhanded.Load() >= maxUnhanded && time.Now().Before(until) &&
		ctx.Err() == nil; {
		f.sleep(ctx, until)
	}
}

// chunkDone notes that a worker has done with a chunk.
func (f *fetcher) chunkDone() {
	f.unhanded.Add(-1)
	f.signal()
}

// serve starts the partitions that are to be started, and fetches where there are none.
func (f *fetcher) serve(ctx context.Context, starting []*partition) error {
	defer f.releaseReservation()
	if f.redial.Swap(false) {
		f.disconnect()
	}
	if f.conn == nil {
		if err := f.connect(ctx); err != nil {
			return err
		}
	}
	if len(starting) > 0 {
		return f.g.startPartitions(ctx, f.conn, starting)
	}
	return f.fetch(ctx)
}

func (f *fetcher) connect(ctx context.Context) error {
	conn, version, err := dialToFetch(ctx, f.g.source.kafka, f.addr)
	if err != nil {
		return err
	}
	f.conn, f.request.Version = conn, version
	f.reader = nil
	return nil
}

// dialToFetch connects to a broker, and finds the version of Fetch that both sides speak.
func dialToFetch(ctx context.Context, k *broker.Kafka, addr string) (*broker.KafkaConn, int16, error) {
	conn, err := k.Dial(ctx, addr)
	if err != nil {
		return nil, 0, fmt.Errorf("connect to fetch: %w", err)
	}
	oldest, newest := conn.Versions(protocol.Fetch)
	if newest < wire.OldestFetch || oldest > wire.NewestFetch {
		conn.Close()
		return nil, 0, fmt.Errorf("fetch from %s: the broker speaks versions %d to %d of Fetch, "+
			"the bridge %d to %d: %w", addr, oldest, newest, wire.OldestFetch, wire.NewestFetch,
			kafka.UnsupportedVersion)
	}
	return conn, min(newest, wire.NewestFetch), nil
}

func (f *fetcher) disconnect() {
	if f.conn != nil {
		f.conn.Close()
		f.conn = nil
	}
}

// fetch makes one request and hands its chunks to the workers.
func (f *fetcher) fetch(ctx context.Context) error {
	limit := time.Duration(f.request.MaxWait)*time.Millisecond + f.g.source.config.SessionTimeout
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f.truncated = nil
	f.request.Correlation++
	f.encoded = f.request.AppendTo(f.encoded[:0], clientName)
	f.answer = f.answer[:0]
	err := f.conn.Exchange(limited, f.encoded, func(r io.Reader) (err error) {
		if f.reader == nil {
			f.reader = bufio.NewReaderSize(r, 32<<10)
		}
		f.answer, err = f.request.ReadAnswer(f.reader, f.g.source.config.MaxBatchBytes, f.answer)
		return err
	})
	for _, got := range f.answer {
		f.receive(ctx, f.asked[got.Index], f.epochs[got.Index], f.request.Partitions[got.Index].Offset, got)
	}
	clear(f.answer) // it would keep the memory of what came
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
