package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/deadletter"
)

// Check proves that a stream keeps the subject, makes it if the configuration says so, and reads its settings.
func (j *Store) Check(ctx context.Context) ([]string, error) {
	if err := j.sealer.Check(); err != nil {
		return nil, err
	}
	attempt, cancel := context.WithTimeout(ctx, j.cfg.Timeout)
	defer cancel()
	stream, err := j.stream(attempt)
	if errors.Is(err, jetstream.ErrStreamNotFound) && j.cfg.Create {
		stream, err = j.js.CreateStream(attempt, jetstream.StreamConfig{
			Name: j.cfg.Stream, Subjects: []string{j.cfg.Subject}, Storage: jetstream.FileStorage,
			Replicas: max(j.cfg.Replicas, 1), MaxAge: j.cfg.Retention, Discard: jetstream.DiscardNew, AllowDirect: true,
		})
	}
	if err != nil {
		err = fmt.Errorf("check subject %s: %w", j.cfg.Subject, natsError(ctx, err))
		if errors.Is(err, deadletter.ErrMissing) {
			err = fmt.Errorf("%w; make a stream for it, or set dead_letters.stream and dead_letters.create: true", err)
		}
		return nil, err
	}
	name, err := j.js.StreamNameBySubject(attempt, j.cfg.Subject)
	if err == nil && j.cfg.Stream != "" && name != j.cfg.Stream {
		err = fmt.Errorf("stream %s does not keep it, stream %s does: %w",
			j.cfg.Stream, name, jetstream.ErrStreamNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("check subject %s: %w", j.cfg.Subject, natsError(ctx, err))
	}
	return judgeStream(stream.CachedInfo().Config)
}

// judgeStream compares a stream's settings with what dead letters need.
func judgeStream(c jetstream.StreamConfig) (weak []string, err error) {
	refuse := func(what string) error { return fmt.Errorf("stream %s cannot keep dead letters: %s", c.Name, what) }
	switch {
	case c.Retention != jetstream.LimitsPolicy:
		return nil, refuse("its retention is " + c.Retention.String() +
			", which removes letters that were read; use limits")
	case c.NoAck:
		return nil, refuse("no_ack is set, so that nothing proves that a letter is stored")
	case c.Sealed, c.Mirror != nil:
		return nil, refuse("it takes no messages, because it is sealed or a mirror")
	case c.MaxMsgsPerSubject > 0:
		return nil, refuse(fmt.Sprintf("max_msgs_per_subject is %d, and all letters share a subject; use -1",
			c.MaxMsgsPerSubject))
	}
	say := func(format string, args ...any) {
		weak = append(weak, fmt.Sprintf("stream %s: "+format, append([]any{c.Name}, args...)...))
	}
	if c.Storage == jetstream.MemoryStorage {
		say("it is kept in memory: a restart of the server loses the letters; use file storage")
	}
	if c.Replicas < 2 {
		say("it has one replica: one lost disk loses the letters; use three where there is a cluster")
	}
	if c.Discard == jetstream.DiscardOld && (c.MaxMsgs > 0 || c.MaxBytes > 0) {
		say("when it is full the oldest letters go; use discard: new, so that the bridge waits instead")
	}
	if c.MaxAge > 0 && c.MaxAge < deadletter.MinRetention {
		say("max_age is %s: letters may be gone before someone looks; use 7 days or more", c.MaxAge)
	}
	return weak, nil
}
