package kafkatopic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

// fetchBytes is the size of one fetch; a larger batch comes whole.
const fetchBytes = 1 << 20

// ErrHidden says that a leader which was just elected does not show yet what the one before it had stored.
var ErrHidden = errors.New("the leader does not show yet what the one before it had stored")

// Fetch makes one fetch from an offset on, which waits for so long where nothing is there, and gives each of its
// records, in order. A batch may begin before the offset; those before it are left out. Next is the offset to go on
// from. Markers, and what is compacted away, bring no record and are stepped over, one offset at a time. Next is the
// offset itself where the leader shows nothing there: at the end of the log, or because of ErrHidden. An error of each
// ends it.
func Fetch(
	ctx context.Context, client *kafka.Client, topic string, partition int, offset int64, wait time.Duration,
	each func(*kafka.Record) error,
) (next int64, err error) {
	defer func() {
		if p := recover(); p != nil { // kafka-go panics on some damaged batches: its issue 1438
			err = fmt.Errorf("decode the batch at offset %d: %v", offset, p)
		}
	}()
	res, err := client.Fetch(ctx, &kafka.FetchRequest{
		Topic: topic, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: wait,
		IsolationLevel: kafka.ReadUncommitted,
	})
	if err != nil {
		return 0, err
	}
	if closer, ok := res.Records.(io.Closer); ok {
		defer closer.Close()
	}
	if res.Error != nil {
		return 0, res.Error
	}
	for next = offset; ; {
		r, err := res.Records.ReadRecord()
		switch {
		case errors.Is(err, io.EOF):
			if next == offset && res.HighWatermark > offset {
				next++
			}
			return next, nil
		case err != nil:
			return 0, err
		case r.Offset < offset:
			continue
		}
		if err := each(r); err != nil {
			return 0, err
		}
		next = r.Offset + 1
	}
}

// Content copies the key and the value of a record out of the client's buffers.
func Content(r *kafka.Record) (key, value []byte, err error) {
	if key, err = kafka.ReadAll(r.Key); err != nil {
		return nil, nil, err
	}
	value, err = kafka.ReadAll(r.Value)
	return key, value, err
}

// Produce stores records in one request on all replicas that are in sync, and returns the offset of the first.
func Produce(
	ctx context.Context, client *kafka.Client, topic string, partition int, records ...kafka.Record,
) (first int64, err error) {
	res, err := client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(records...),
	})
	switch {
	case err != nil:
		return 0, err
	case res.Error != nil:
		return 0, res.Error
	case len(res.RecordErrors) > 0:
		return 0, kafka.InvalidRecord
	}
	return res.BaseOffset, nil
}
