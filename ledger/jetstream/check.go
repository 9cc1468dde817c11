package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/ledger"
)

// Check implements ledger.Store. It makes the bucket where there is none.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	attempt, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	name := s.config.Bucket
	bucket, err := s.js.KeyValue(attempt, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = s.js.CreateKeyValue(attempt, jetstream.KeyValueConfig{
			Bucket: name, Description: "calls that ciobridge may not send twice", History: 1,
			TTL: s.config.Retention, Storage: jetstream.FileStorage, Replicas: max(s.config.Replicas, 1),
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // another replica was faster
			bucket, err = s.js.KeyValue(attempt, name)
		}
		if err != nil {
			return nil, fmt.Errorf("check: make the bucket %s: %w: where the account may not make streams, make it "+
				"beforehand with: nats kv add %s --history=1 --storage=file --ttl=%s --replicas=3; and let the bridge "+
				"publish to $KV.%s.>, $JS.API.STREAM.INFO.KV_%s and $JS.API.DIRECT.GET.KV_%s.>",
				name, natsError(ctx, err), name, s.config.Retention, name, name, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("check: bucket %s: %w", name, natsError(ctx, err))
	}
	status, err := bucket.Status(attempt)
	if err != nil {
		return nil, fmt.Errorf("check: bucket %s: %w", name, natsError(ctx, err))
	}
	stream, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return nil, nil
	}
	return s.judge(stream.StreamInfo().Config)
}

// judge compares the settings of the bucket's stream with what a ledger needs.
func (s *Store) judge(c jetstream.StreamConfig) (weak []string, err error) {
	say := func(format string, args ...any) {
		weak = append(weak, fmt.Sprintf("bucket %s: "+format, append([]any{s.config.Bucket}, args...)...))
	}
	if c.MaxAge > 0 && c.MaxAge < s.config.Retention {
		return nil, fmt.Errorf("%w: bucket %s forgets after %s, and ledger.retention is %s: set that to %s, or the "+
			"bucket with: nats stream edit KV_%s --max-age=%s", ledger.ErrUnfit, s.config.Bucket, c.MaxAge,
			s.config.Retention, c.MaxAge, s.config.Bucket, s.config.Retention)
	}
	if c.Discard == jetstream.DiscardOld && (c.MaxMsgs > 0 || c.MaxBytes > 0) {
		return nil, fmt.Errorf("%w: bucket %s removes the oldest records when it is full, and what they tell could be "+
			"sent again: set its stream KV_%s to discard new ones", ledger.ErrUnfit, s.config.Bucket, s.config.Bucket)
	}
	if c.Storage == jetstream.MemoryStorage {
		say("it is kept in memory: a restart of the server loses what was sent; use file storage")
	}
	if c.Replicas < 2 {
		say("it has one replica: one lost disk loses what was sent; use three where there is a cluster")
	}
	if c.MaxAge == 0 {
		say("it never forgets a record: set a max-age of its stream KV_%s", s.config.Bucket)
	}
	return weak, nil
}
