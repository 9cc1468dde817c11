package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/report"
)

// Check implements report.Target. A stream must hold every subject below ours, and keep what it holds.
func (t *Target) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	_, info, err := t.stream(ctx)
	if err = meaning(err); errors.Is(err, report.ErrMissing) {
		return fmt.Errorf("%w: make a stream for reports with: nats stream add %s --subjects='%s' --defaults", err,
			streamName(t.subject), t.all())
	}
	if err != nil {
		return fmt.Errorf("check the stream of the subject %s: %w", t.subject, err)
	}
	c := info.Config
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: the stream %s of the subject %s %s", report.ErrUnfit, c.Name, t.subject,
			fmt.Sprintf(format, args...))
	}
	switch {
	case c.Retention != jetstream.LimitsPolicy:
		return refuse("has the retention %s, which removes what was read: use limits", c.Retention)
	case c.NoAck:
		return refuse("acknowledges nothing, so that nothing proves that a row is stored: take no_ack away")
	case c.Sealed, c.Mirror != nil:
		return refuse("takes no messages, because it is sealed or a mirror: name another subject")
	case c.MaxMsgsPerSubject > 0:
		return refuse("keeps %d messages of a subject, and all rows of a type of reports share one: set "+
			"max_msgs_per_subject to -1", c.MaxMsgsPerSubject)
	}
	return nil
}

// streamName is a name for the stream of a subject, another one for each.
func streamName(subject string) string {
	return strings.ToUpper(strings.ReplaceAll(subject, ".", "_"))
}

// Check implements report.Store. It makes the bucket where there is none.
func (s *Store) Check(ctx context.Context) (weak []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	name := s.config.Bucket
	_, err = s.bucket(ctx)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, Description: "what ciobridge knows of reports", History: 1, Storage: jetstream.FileStorage,
			Replicas: max(s.config.Replicas, 1),
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // another replica was faster
			err = nil
		}
		if err != nil {
			return nil, fmt.Errorf("make the bucket %s of the state of reports: %w: where the account may not make "+
				"streams, make it with: nats kv add %s --history=1 --storage=file --replicas=3", name, err, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("check the bucket %s of the state of reports: %w", name, err)
	}
	stream, err := s.js.Stream(ctx, "KV_"+name)
	if err != nil {
		return nil, fmt.Errorf("check the bucket %s of the state of reports: %w", name, err)
	}
	return judge(name, stream.CachedInfo().Config)
}

// judge compares the settings of the bucket's stream with what the state of reports needs.
func judge(name string, c jetstream.StreamConfig) (weak []string, err error) {
	say := func(format string, args ...any) {
		weak = append(weak, fmt.Sprintf("bucket %s: "+format, append([]any{name}, args...)...))
	}
	if c.MaxAge > 0 {
		return nil, fmt.Errorf("%w: the bucket %s forgets after %s what was published: make it keep its values with: "+
			"nats stream edit KV_%s --max-age=0", report.ErrUnfit, name, c.MaxAge, name)
	}
	if c.Discard == jetstream.DiscardOld && (c.MaxMsgs > 0 || c.MaxBytes > 0) {
		return nil, fmt.Errorf("%w: the bucket %s removes the oldest values when it is full, and what they tell would "+
			"be published again: set its stream KV_%s to discard new ones", report.ErrUnfit, name, name)
	}
	if c.Storage == jetstream.MemoryStorage {
		say("it is kept in memory: with a restart of the server goes what is known of reports, and all is published " +
			"again; use file storage")
	}
	if c.Replicas < 2 {
		say("it has one replica: with its disk goes what is known of reports, and all is published again; use three " +
			"where there is a cluster")
	}
	return weak, nil
}

func tooLarge(id string, err error) error {
	return fmt.Errorf("%w: event %s: %w", report.ErrTooLarge, id, err)
}

// meaning tells what an error means by one of the errors of package report, where it has one.
func meaning(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) {
		return fmt.Errorf("%w: %w", report.ErrMissing, err)
	}
	return err
}
