package ceiling

import (
	"context"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsCeiling reads a stream with one pull consumer and acknowledges, once a request, everything up to the last
// message in it.
type natsCeiling struct {
	post   *poster
	failed chan error // the first failure

	mu    sync.Mutex
	batch batch
	last  jetstream.Msg // the newest message in the batch; nil where it is empty
	idle  bool          // no message has come since the last tick
}

// RunNATS carries a stream to the sink until ctx ends.
func RunNATS(ctx context.Context, args []string, _ io.Writer) error {
	fs := flag.NewFlagSet("nats-ceiling", flag.ContinueOnError)
	url := fs.String("url", "", "server")
	stream := fs.String("stream", "", "stream")
	durable := fs.String("durable", "", "name of the consumer")
	bare := fs.Bool("bare", false, "check by hand")
	sink := fs.String("sink", "", "address of the sink")
	if err := fs.Parse(args); err != nil {
		return err
	}
	conn, err := nats.Connect(*url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	cons, err := js.CreateConsumer(ctx, *stream, jetstream.ConsumerConfig{
		Durable: *durable, AckPolicy: jetstream.AckAllPolicy, AckWait: time.Minute, MaxAckPending: 50_000,
	})
	if err != nil {
		return fmt.Errorf("create the consumer: %w", err)
	}
	c := natsCeiling{post: newPoster(*sink, readerFor(*bare)), failed: make(chan error, 1)}
	reading, err := cons.Consume(func(m jetstream.Msg) { c.message(ctx, m) }, jetstream.PullMaxMessages(4000))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	defer func() { <-reading.Closed() }()
	defer reading.Stop()
	return c.flushWhenIdle(ctx)
}

// message takes one message. It is called by one goroutine, in order.
func (c *natsCeiling) message(ctx context.Context, m jetstream.Msg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.last
	posted, err := c.post.put(ctx, &c.batch, m.Data())
	if err == nil && posted {
		err = before.Ack()
	}
	c.last, c.idle = m, false
	c.report(err)
}

// flushWhenIdle posts what has waited for company, until ctx ends. What is not posted by then is left for the next
// reader.
func (c *natsCeiling) flushWhenIdle(ctx context.Context) error {
	tick := time.NewTicker(fetchWait)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.report(c.flush(ctx))
		case err := <-c.failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *natsCeiling) flush(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.idle || c.last == nil {
		c.idle = true
		return nil
	}
	if err := c.post.flush(ctx, &c.batch); err != nil {
		return err
	}
	last := c.last
	c.last = nil
	return last.DoubleAck(context.WithoutCancel(ctx))
}

func (c *natsCeiling) report(err error) {
	if err == nil {
		return
	}
	select {
	case c.failed <- err:
	default:
	}
}
