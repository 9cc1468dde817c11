package ceiling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

// connReader reads one partition for the ceiling: kafka-go's connection reads each record into one buffer, the
// cheapest way that a library offers. It does not check the CRC of what it reads.
type connReader struct {
	conn *kafka.Conn
	buf  []byte
}

func newConnReader(
	ctx context.Context, dialer *kafka.Dialer, leader, topic string, partition int,
) (*connReader, error) {
	conn, err := dialer.DialLeader(ctx, "tcp", leader, topic, partition)
	if err != nil {
		return nil, fmt.Errorf("connect to the partition's leader: %w", err)
	}
	return &connReader{conn: conn, buf: make([]byte, fetchBytes)}, nil
}

func (l *connReader) close() error { return l.conn.Close() }

func (l *connReader) fetch(offset int64, each func(offset int64, value []byte) error) (int64, error) {
	if _, err := l.conn.Seek(offset, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return offset, fmt.Errorf("seek: %w", err)
	}
	if err := l.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return offset, err
	}
	batch := l.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait})
	for {
		n, err := batch.Read(l.buf)
		if err != nil {
			break // the end of the batch, or what its Close tells
		}
		at := batch.Offset() - 1
		if at < offset {
			// a broker answers with the whole batch of records in which the offset lies, and Read leaves none of them
			// out
			continue
		}
		if err := each(at, l.buf[:n]); err != nil {
			return offset, errors.Join(err, batch.Close())
		}
		offset = at + 1
	}
	if err := batch.Close(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, kafka.RequestTimedOut) {
		return offset, fmt.Errorf("fetch: %w", err)
	}
	return offset, nil
}
