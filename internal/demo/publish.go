package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/internal/shop"
)

// emptyStreams forgets what an earlier demo left in the folder's broker, and opens its streams to atomic batches.
func (d *demo) emptyStreams(ctx context.Context) error {
	js := d.broker().Connection().JetStream()
	for _, s := range d.config.Server().Streams {
		stream, err := js.Stream(ctx, s.Name)
		if err == nil {
			err = stream.Purge(ctx)
		}
		if err == nil {
			err = js.DeleteConsumer(ctx, s.Name, d.config.Durable)
		}
		if err == nil || errors.Is(err, jetstream.ErrConsumerNotFound) {
			c := stream.CachedInfo().Config
			c.AllowAtomicPublish = true
			_, err = js.UpdateStream(ctx, c)
		}
		if err != nil {
			return fmt.Errorf("empty stream %s: %w", s.Name, err)
		}
	}
	return nil
}

// samplesAtOnce is how many sample events share a batch, and with it one wait for the broker's disk. The server takes
// 1000.
const samplesAtOnce = 500

// publish publishes the sample events over a connection of its own and waits until the broker has acknowledged all.
func (d *demo) publish(ctx context.Context, published *atomic.Int64) error {
	conn, err := d.broker().Server().NATS(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// so that nothing happens in the future
	events := shop.New(d.Seed, d.began.Add(-time.Duration(d.Events)*shop.LongestPause))
	for left := d.Events; left > 0; {
		n := min(left, samplesAtOnce)
		if err := publishBatch(ctx, conn.Conn(), events, n); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		published.Add(int64(n))
		left -= n
	}
	return nil
}

// publishBatch publishes the shop's next events as one atomic batch: the headers number the messages, and the last
// one commits.
func publishBatch(ctx context.Context, conn *nats.Conn, events *shop.Shop, n int) error {
	batch := rand.Text()
	for i := 1; ; i++ {
		e := events.Next()
		m := &nats.Msg{Subject: e.Subject, Data: e.Value, Header: nats.Header{
			"Nats-Batch-Id": {batch}, "Nats-Batch-Sequence": {strconv.Itoa(i)},
		}}
		if i < n {
			if err := conn.PublishMsg(m); err != nil {
				return err
			}
			continue
		}
		m.Header.Set("Nats-Batch-Commit", "1")
		reply, err := conn.RequestMsgWithContext(ctx, m)
		if err != nil {
			return err
		}
		return acknowledged(reply.Data, n)
	}
}

func acknowledged(reply []byte, n int) error {
	var ack struct {
		Count int
		Error *jetstream.APIError
	}
	switch err := json.Unmarshal(reply, &ack); {
	case err != nil:
		return err
	case ack.Error != nil:
		return ack.Error
	case ack.Count != n:
		return fmt.Errorf("%d events of %d were stored", ack.Count, n)
	}
	return nil
}

// samples publishes the sample events, waits until all are done, and counts what became of them.
func (d *demo) samples(ctx context.Context) (Result, error) {
	for len(d.bridge.Troubles()) > 0 {
		if !retry.Sleep(ctx, 5*time.Millisecond) {
			return Result{}, ctx.Err()
		}
	}
	d.welcome()
	before := d.cio.Stats() // the bridge has asked for its region
	d.began = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var published atomic.Int64
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		if err := d.publish(ctx, &published); err != nil {
			cancel(err)
		}
	}()
	err := d.await(ctx, &published)
	<-finished
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return Result{}, err
	}
	return d.count(ctx, before)
}

// await waits until the sample events are done, and shows how far they are.
func (d *demo) await(ctx context.Context, published *atomic.Int64) error {
	shown := d.began
	for {
		done := d.bridge.Stats()
		if done.Stopped {
			return fmt.Errorf("the flow has stopped, because most events of a rule fail: see %s, and mend the rule",
				d.folder.path(logName))
		}
		if done.Finished() >= d.Events && published.Load() == int64(d.Events) {
			return nil
		}
		if now := time.Now(); now.Sub(shown) >= time.Second {
			shown = now
			fmt.Fprintf(d.talk, "  %3.0f s   %d published, %d done\n", now.Sub(d.began).Seconds(), published.Load(),
				done.Finished())
		}
		if !retry.Sleep(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
}
