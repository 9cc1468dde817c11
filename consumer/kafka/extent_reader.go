package kafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/kafka/wire"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	extentFetch = 1 << 20         // bytes that are asked for at once
	extentLimit = 2 * time.Minute // how long an extent is tried for without getting on
)

// ReadExtent gives each the records of an extent, in order, and returns when it has come to the end. Those of
// transactions that failed are left out. It joins no group and commits nothing, and tries again while brokers come and
// go. The messages are each's to keep. Its error is the first of each, or a *consumer.GoneError where retention was
// faster.
func ReadExtent(ctx context.Context, k *broker.Kafka, config Config, r consumer.Extent,
	each func(*event.Message) error) error {
	er := &extentReader{cluster: &cluster{kafka: k}, limit: config.MaxBatchBytes, asked: r, each: each, next: r.From,
		bytes: extentFetch, names: wire.HeaderNames{}}
	defer er.close()
	again := retry.Policy{First: 200 * time.Millisecond, Longest: 5 * time.Second, Limit: extentLimit,
		Passing: func(err error) bool { return reasonOf(err) != reasonAuth }}
	for er.next < r.End {
		if err := retry.Do(ctx, again, er.step); err != nil {
			return err
		}
	}
	return nil
}

// extentReader reads an extent over one connection, one request at a time.
type extentReader struct {
	cluster *cluster
	asked   consumer.Extent
	each    func(*event.Message) error
	next    int64
	bytes   int // that are asked for
	limit   int // of a batch
	packed  wire.Decompressor
	names   wire.HeaderNames

	conn    *broker.KafkaConn
	reader  *bufio.Reader
	request wire.FetchRequest
}

// step makes one fetch, which gets on or fails.
func (er *extentReader) step(ctx context.Context) error {
	before := er.next
	got, err := er.fetch(ctx)
	if err == nil {
		err = er.receive(&got)
	}
	if err != nil {
		er.disconnect()
	}
	switch {
	case er.next > before:
		return finalOnly(err) // what is the matter shows in the next step
	case err == nil && got.Set == nil:
		return er.errorf("the leader shows nothing there yet")
	case err == nil:
		return er.errorf("%w", wire.ErrTruncated)
	}
	return err
}

// finalOnly is the error if another try cannot mend it.
func finalOnly(err error) error {
	if retry.IsPermanent(err) {
		return err
	}
	return nil
}

func (er *extentReader) errorf(format string, args ...any) error {
	what := fmt.Errorf(format, args...)
	return fmt.Errorf("read %s/%d at %d: %w", er.asked.Topic, er.asked.Partition, er.next, what)
}

// fetch makes one request.
func (er *extentReader) fetch(ctx context.Context) (got wire.FetchedPartition, err error) {
	if er.conn == nil {
		if err := er.connect(ctx); err != nil {
			return got, err
		}
	}
	limited, cancel := context.WithTimeout(ctx, longestWait+10*time.Second)
	defer cancel()
	q := &er.request
	q.Correlation++
	q.MaxWait, q.MaxBytes = int32(longestWait.Milliseconds()), int32(er.bytes)
	q.Partitions = []wire.FetchPartition{{Topic: er.asked.Topic, Partition: er.asked.Partition, Offset: er.next,
		Bytes: int32(er.bytes)}}
	var answer []wire.FetchedPartition
	err = er.conn.Exchange(limited, q.AppendTo(nil, clientName), func(r io.Reader) (err error) {
		if er.reader == nil {
			er.reader = bufio.NewReaderSize(r, 32<<10)
		}
		answer, err = q.ReadAnswer(er.reader, max(er.limit, extentFetch), nil)
		return err
	})
	switch {
	case err != nil:
		return got, er.errorf("%w", err)
	case len(answer) != 1:
		return got, er.errorf("%w", wire.ErrAnswer)
	}
	return answer[0], er.judge(ctx, answer[0].Code)
}

// judge is the error that a broker answers with.
func (er *extentReader) judge(ctx context.Context, code int16) error {
	switch kafka.Error(code) {
	case 0:
		return nil
	case kafka.Error(wire.CodeTooLarge):
		return retry.Permanent(er.errorf("a batch is larger than max_batch_bytes (%d)", er.limit))
	case kafka.OffsetOutOfRange:
		key := partitionKey{er.asked.Topic, er.asked.Partition}
		starts, err := listOffsets(ctx, er.conn, []partitionKey{key}, logStart, uncommittedToo)
		if err == nil && starts[key].code == 0 && starts[key].offset > er.next {
			gone := er.asked
			gone.From = er.next
			return retry.Permanent(&consumer.GoneError{Extent: gone, To: min(starts[key].offset, gone.End)})
		}
	}
	return er.errorf("%w", kafka.Error(code))
}

// receive gives each what came.
func (er *extentReader) receive(got *wire.FetchedPartition) error {
	if got.Set == nil {
		return nil
	}
	if next, need := wire.ScanBatches(got.Set.Bytes, er.next); next == er.next && need > 0 {
		if need > er.limit {
			return retry.Permanent(er.errorf("a batch of %d bytes is larger than max_batch_bytes (%d)", need, er.limit))
		}
		er.bytes = need
		return nil
	}
	er.bytes = extentFetch
	aborts := wire.NewAbortFilter(got.Aborted)
	for b := got.Set.Bytes; len(b) > 0 && er.next < er.asked.End; {
		h, err := wire.ReadBatchHeader(b)
		if errors.Is(err, wire.ErrTruncated) {
			return nil
		}
		if err != nil {
			return er.errorf("%w", err)
		}
		batch := b[:h.Size]
		b = b[h.Size:]
		if err := wire.VerifyChecksum(batch); err != nil {
			return er.errorf("%w", err)
		}
		records := batch[wire.BatchHeaderSize:]
		if !aborts.Drops(&h, records) && h.Last() >= er.next {
			if err := er.batch(&h, records); err != nil {
				return err
			}
		}
		er.next = max(er.next, h.Last()+1)
	}
	return nil
}

// batch gives each the records of a batch.
func (er *extentReader) batch(h *wire.BatchHeader, records []byte) error {
	if h.Codec() != 0 {
		unpacked, err := er.packed.Decompress(h.Codec(), records, er.limit)
		if err != nil {
			return er.errorf("%w", err)
		}
		records = unpacked.Bytes
	}
	var r wire.Record
	for reader := wire.NewRecordReader(h, records); ; {
		ok, err := reader.Next(&r)
		if err != nil {
			return er.errorf("%w", err)
		}
		if !ok || r.Offset >= er.asked.End {
			return nil
		}
		if r.Offset < er.next {
			continue // brokers answer with the whole batch in which the offset lies
		}
		origin := event.Origin{Topic: er.asked.Topic, Partition: er.asked.Partition, Offset: r.Offset}
		m := event.Message{Origin: origin, Key: r.Key, Value: r.Value}
		if r.Time >= 0 {
			m.Time = time.UnixMilli(r.Time)
		}
		if m.Headers, err = r.AppendHeaders(nil, er.names); err != nil {
			return er.errorf("%w", err)
		}
		if err := er.each(&m); err != nil {
			return retry.Permanent(err)
		}
		er.next = r.Offset + 1
	}
}

// connect finds the leader of the partition, and connects to it.
func (er *extentReader) connect(ctx context.Context) error {
	l, err := er.cluster.metadata(ctx, []string{er.asked.Topic})
	if err != nil {
		return err
	}
	leads := l.leaders[er.asked.Topic]
	i := slices.IndexFunc(leads, func(p lead) bool { return p.partition == er.asked.Partition })
	if i < 0 {
		return retry.Permanent(er.errorf("%w", kafka.UnknownTopicOrPartition))
	}
	addr := l.brokers[leads[i].broker]
	if addr == "" {
		return er.errorf("%w", kafka.LeaderNotAvailable)
	}
	er.conn, er.request.Version, err = dialToFetch(ctx, er.cluster.kafka, addr)
	er.reader = nil
	return err
}

func (er *extentReader) disconnect() {
	if er.conn != nil {
		er.conn.Close()
		er.conn = nil
	}
}

func (er *extentReader) close() {
	er.disconnect()
	er.cluster.close()
}
