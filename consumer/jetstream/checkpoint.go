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

// maxAckedText is how long the text of what is done past the floor may be. 5,000 spans of a few messages each fit.
const maxAckedText = 48 << 10

// checkpoint is how far a durable has been read. The server's own floor is not enough: a purge moves it along, and so does the deletion of
// a message that is in hand, as if everything before had been read.
type checkpoint struct {
	Stream       string    `json:"stream"`
	Durable      string    `json:"durable"`
	Created      time.Time `json:"created"`           // when the stream was made: sequences of another one stand for other messages
	Sets         int       `json:"sets"`              // how often an operator has set it: what a reader remembers of before is void
	Committable  int64     `json:"next"`              // everything before is done
	Acked        string    `json:"settled,omitempty"` // what is done beyond
	IgnoredFloor uint64    `json:"void,omitempty"`    // the server's floor when an operator set it: it says nothing, because the consumer is set after
	Reader       string    `json:"reader"`            // the pin of the reader that wrote it; empty for an operator
}

// log names what the offsets of a checkpoint stand for.
func (c *checkpoint) log() string {
	return fmt.Sprintf("%s %s %s %d", c.Stream, c.Durable, c.Created.UTC().Format(time.RFC3339Nano), c.Sets)
}

func (c *checkpoint) acked() consumer.AckedRanges {
	return consumer.DecodeAckedRanges(c.log(), c.Committable, c.Acked)
}

// setAcked puts in what is done.
func (c *checkpoint) setAcked(next int64, done consumer.AckedRanges) {
	c.Committable = next
	c.Acked = done.Encode(c.log(), next, maxAckedText)
}

// errFenced says that another reader has taken the durable over, or an operator has set it.
var errFenced = errors.New("another reader has begun where this one left off")

// checkpointStore keeps the checkpoint of one durable. Each write names the one before it, so that a reader that has been replaced writes
// nothing any more. It is not safe for concurrent use.
type checkpointStore struct {
	conn     *broker.NATS
	key      string
	bucket   jetstream.KeyValue // nil until it is open
	replicas int                // that it is made with
	revision uint64             // of what was read or written last; 0 where there is nothing
}

func newCheckpointStore(conn *broker.NATS, part *partition) *checkpointStore {
	return &checkpointStore{conn: conn, key: keyName(part.stream) + "." + keyName(part.durable)}
}

// keyName writes a name with the characters that a key may have.
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

// open finds the bucket. It reports false where there is none.
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
		return false, fatalf("the key-value bucket %s forgets after %v how far was read: make it keep its values with: nats stream edit KV_%s --max-age=0", CheckpointBucket, ttl, CheckpointBucket)
	}
	c.bucket = bucket
	return true, nil
}

// ensure finds the bucket, or makes it with as many replicas as the stream has.
func (c *checkpointStore) ensure(ctx context.Context, replicas int) error {
	c.replicas = max(1, replicas)
	if there, err := c.open(ctx); there || err != nil {
		return err
	}
	bucket, err := c.conn.JetStream().CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: CheckpointBucket, Description: "how far ciobridge has read", History: 1, Storage: jetstream.FileStorage, Replicas: c.replicas,
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

// bucketError says that the bucket could not be made. A server leaves the request of an account that may not make streams without an
// answer, so that nobody can tell that from a server that is busy.
type bucketError struct {
	replicas int
	err      error
}

func (e *bucketError) Error() string {
	return fmt.Sprintf("make the key-value bucket %s, which keeps how far was read: %v: where the account may not make streams, make it beforehand with: "+
		"nats kv add %s --history=1 --storage=file --replicas=%d; and let the bridge publish to $KV.%s.>, $JS.API.STREAM.INFO.KV_%s and $JS.API.DIRECT.GET.KV_%s.>",
		CheckpointBucket, e.err, CheckpointBucket, e.replicas, CheckpointBucket, CheckpointBucket, CheckpointBucket)
}

func (e *bucketError) Unwrap() error { return e.err }

// load reads what is stored, nil where nothing is.
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
		return nil, fatalf("the key %s of the key-value bucket %s does not say how far was read, and somebody else must have written it: delete it with: nats kv del %s %s; "+
			"reading then goes on where the server's consumer stands", c.key, CheckpointBucket, CheckpointBucket, c.key)
	}
	c.revision = entry.Revision()
	return &stored, nil
}

// save replaces what was read or written last. It fails with errFenced where somebody else has written meanwhile; a write of our own whose
// outcome was unknown does not count as such.
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
