package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
)

// CheckpointBucket is the key-value bucket in which the bridges of an account keep how far they have read.
const CheckpointBucket = "ciobridge"

// maxAckedText is how many bytes the text of the acked ranges may have. 5,000 ranges of a few messages each fit.
const maxAckedText = 48 << 10

// checkpoint is how far a durable has been read: everything before Committable is acked, and so are the ranges of
// AckedText above it.
//
// The server's own ack floor is not enough. A purge moves it along, and so does the deletion of a message in flight,
// as if everything before had been read. And it does not tell what is acked above it.
type checkpoint struct {
	Stream  string `json:"stream"`
	Durable string `json:"durable"`
	// Created is when the stream was made. The sequences of a stream that was made at another time stand for other
	// messages.
	Created time.Time `json:"created"`
	// Sets is how often an operator has set the checkpoint. What a reader remembers from before the last time is void.
	Sets        int    `json:"sets"`
	Committable int64  `json:"next"`
	AckedText   string `json:"settled,omitempty"`
	// IgnoredFloor is the server's ack floor when an operator set the checkpoint. It says nothing, because the
	// consumer is set after the checkpoint.
	IgnoredFloor uint64 `json:"void,omitempty"`
	// Reader is the pin of the reader that wrote the checkpoint. It is empty where an operator did.
	Reader string `json:"reader"`
}

// log names the log whose messages the sequences of the checkpoint stand for.
func (c *checkpoint) log() string {
	return fmt.Sprintf("%s %s %s %d", c.Stream, c.Durable, c.Created.UTC().Format(time.RFC3339Nano), c.Sets)
}

// acked is what is acked above Committable.
func (c *checkpoint) acked() consumer.AckedRanges {
	return consumer.DecodeAckedRanges(c.log(), c.Committable, c.AckedText)
}

// setAcked sets what is acked. The fields that log looks at are set before.
func (c *checkpoint) setAcked(committable int64, acked consumer.AckedRanges) {
	c.Committable = committable
	c.AckedText = acked.Encode(c.log(), committable, maxAckedText)
}

// errFenced says that another reader has written the checkpoint since, or an operator has set it.
var errFenced = errors.New("another reader has begun where this one left off")

// checkpointStore keeps the checkpoint of one durable in a key-value bucket. Each write names the revision that it
// replaces, so that a reader that has been replaced can write nothing any more. It is not safe for concurrent use:
// the reader uses it between sessions, and the session under commits.mu.
type checkpointStore struct {
	conn     *broker.NATS
	key      string
	bucket   jetstream.KeyValue // nil until it is open
	replicas int                // how many the bucket is made with
	revision uint64             // of the value that was read or written last; 0 where there is none
}

func newCheckpointStore(conn *broker.NATS, part *partition) *checkpointStore {
	return &checkpointStore{conn: conn, key: keyName(part.stream) + "." + keyName(part.durable)}
}

// keyName writes a name in characters that a key may have.
func keyName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// open looks for the bucket. It reports false where there is none.
func (c *checkpointStore) open(ctx context.Context) (bool, error) {
	if c.bucket != nil {
		return true, nil
	}
	bucket, err := c.conn.JetStream().KeyValue(ctx, CheckpointBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the key-value bucket %s: %w", CheckpointBucket, err)
	}
	status, err := bucket.Status(ctx)
	if err != nil {
		return false, fmt.Errorf("look at the key-value bucket %s: %w", CheckpointBucket, err)
	}
	if ttl := status.TTL(); ttl > 0 {
		return false, fatalf("the key-value bucket %s forgets after %v how far was read: "+
			"make it keep its values with: nats stream edit KV_%s --max-age=0", CheckpointBucket, ttl, CheckpointBucket)
	}
	c.bucket = bucket
	return true, nil
}

// ensure opens the bucket, or makes it with as many replicas as the stream has.
func (c *checkpointStore) ensure(ctx context.Context, replicas int) error {
	c.replicas = max(1, replicas)
	if there, err := c.open(ctx); there || err != nil {
		return err
	}
	bucket, err := c.conn.JetStream().CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: CheckpointBucket, Description: "how far ciobridge has read",
		History: 1, Storage: jetstream.FileStorage, Replicas: c.replicas,
	})
	if errors.Is(err, jetstream.ErrBucketExists) { // another replica was faster
		_, err = c.open(ctx)
		return err
	}
	if err != nil {
		return &bucketError{replicas: c.replicas, err: err}
	}
	c.bucket = bucket
	return nil
}

// bucketError says that the bucket could not be made. If the account may not make streams, the server does not answer
// the request. Nobody can tell that from a server that is busy.
type bucketError struct {
	replicas int
	err      error
}

func (e *bucketError) Error() string {
	return fmt.Sprintf("make the key-value bucket %s, which keeps how far was read: %v: "+
		"where the account may not make streams, make it beforehand with: "+
		"nats kv add %s --history=1 --storage=file --replicas=%d; and let the bridge publish to "+
		"$KV.%s.>, $JS.API.STREAM.INFO.KV_%s and $JS.API.DIRECT.GET.KV_%s.>",
		CheckpointBucket, e.err, CheckpointBucket, e.replicas, CheckpointBucket, CheckpointBucket, CheckpointBucket)
}

func (e *bucketError) Unwrap() error { return e.err }

// load reads the stored checkpoint, nil where there is none.
func (c *checkpointStore) load(ctx context.Context) (*checkpoint, error) {
	entry, err := c.bucket.Get(ctx, c.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		c.revision = 0
		return nil, nil
	}
	if err != nil {
		c.bucket = nil // it may have been deleted, and is then made again
		return nil, fmt.Errorf("read how far was read: %w", err)
	}
	var stored checkpoint
	if err := json.Unmarshal(entry.Value(), &stored); err != nil || stored.Committable < 1 {
		return nil, fatalf("the key %s of the key-value bucket %s does not say how far was read, "+
			"and somebody else must have written it: delete it with: nats kv del %s %s; "+
			"reading then goes on where the server's consumer stands", c.key, CheckpointBucket, CheckpointBucket, c.key)
	}
	c.revision = entry.Revision()
	return &stored, nil
}

// save replaces what was read or written last. It fails with errFenced where somebody else has written meanwhile; a
// write of our own whose outcome was unknown does not count as such.
func (c *checkpointStore) save(ctx context.Context, next checkpoint) error {
	if c.bucket != nil {
		if err := c.write(ctx, &next); !errors.Is(err, errFenced) {
			return err
		}
	} else if err := c.ensure(ctx, c.replicas); err != nil { // somebody has deleted it
		return err
	}
	last := c.revision
	stored, err := c.load(ctx)
	if err != nil {
		return err
	}
	if stored != nil && (stored.Reader == "" || stored.Reader != next.Reader || stored.Sets != next.Sets) {
		c.revision = last // or the next attempt would replace what the other has written
		return errFenced
	}
	return c.write(ctx, &next)
}

// write replaces the revision that was read or written last. It fails with errFenced where there is a newer one.
func (c *checkpointStore) write(ctx context.Context, next *checkpoint) error {
	value, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("write how far was read: %w", err)
	}
	var revision uint64
	if c.revision == 0 {
		revision, err = c.bucket.Create(ctx, c.key, value)
	} else {
		revision, err = c.bucket.Update(ctx, c.key, value, c.revision)
	}
	switch {
	case err == nil:
		c.revision = revision
		return nil
	case errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return errFenced
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		c.bucket = nil
	}
	return fmt.Errorf("write how far was read: %w", err)
}
