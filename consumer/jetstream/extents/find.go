package extents

import (
	"context"
	"fmt"
	"time"

	natsjetstream "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
)

// answerLimit is how long the server may take to answer a request.
const answerLimit = 5 * time.Second

// Find tells where the messages between two times stand in every stream that is read, or in every partition of it, in
// the order of the configuration. Offsets are sequences. Of a stream that is read in part some have no message.
func Find(ctx context.Context, js natsjetstream.JetStream, config jetstream.Config, between consumer.Bounds) (
	[]consumer.Extent, error,
) {
	var out []consumer.Extent
	for _, p := range partitions(config) {
		stream, err := js.Stream(ctx, p.stream)
		if err != nil {
			return nil, fmt.Errorf("stream %s: look at it: %w", p.stream, err)
		}
		state := stream.CachedInfo().State
		e := consumer.Extent{Topic: p.stream, Partition: p.index, From: int64(max(1, state.FirstSeq)),
			End: int64(state.LastSeq) + 1}
		from, err := sequenceAt(ctx, stream, p.filter, between.From, e.From, e.End)
		if err != nil {
			return nil, fmt.Errorf("stream %s: find %s: %w", p.stream, between.From.Format(time.RFC3339), err)
		}
		end, err := sequenceAt(ctx, stream, p.filter, between.To, e.End, e.End)
		if err != nil {
			return nil, fmt.Errorf("stream %s: find %s: %w", p.stream, between.To.Format(time.RFC3339), err)
		}
		e.End = min(end, e.End)
		e.From = min(from, e.End)
		out = append(out, e)
	}
	return out, nil
}

// sequenceAt is the sequence of the first message that is not before a time, and the end where there is none. The zero
// time stands for another place.
func sequenceAt(ctx context.Context, stream natsjetstream.Stream, filter []string, at time.Time, without, end int64) (
	int64, error,
) {
	if at.IsZero() {
		return without, nil
	}
	config := ephemeral(filter)
	config.DeliverPolicy, config.OptStartTime = natsjetstream.DeliverByStartTimePolicy, &at
	config.HeadersOnly = true
	reader, err := open(ctx, stream, config)
	if err != nil {
		return 0, err
	}
	defer reader.close(ctx)
	if reader.pending == 0 {
		return end, nil
	}
	messages, err := reader.fetch(ctx, 1)
	if err != nil {
		return 0, err
	}
	m, ok := <-messages.Messages()
	if !ok {
		return end, messages.Error()
	}
	meta, err := m.Metadata()
	if err != nil {
		return 0, err
	}
	return int64(meta.Sequence.Stream), nil
}

// partition is a stream, or what one partition of it has.
type partition struct {
	stream string
	index  int32
	filter []string
}

func partitions(c jetstream.Config) []partition {
	var all []partition
	for _, s := range c.Streams {
		if len(s.Partitions) == 0 {
			all = append(all, partition{stream: s.Name, filter: s.Subjects})
		}
		for i, filter := range s.Partitions {
			all = append(all, partition{stream: s.Name, index: int32(i), filter: filter})
		}
	}
	return all
}
