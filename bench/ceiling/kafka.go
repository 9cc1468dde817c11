package ceiling

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// kafkaCeiling reads a topic as a member of a consumer group, one loop per partition, and commits once a second what
// has been posted.
type kafkaCeiling struct {
	dialer  *kafka.Dialer
	brokers []string
	topic   string
	gen     *kafka.Generation
	post    *poster
	bare    bool           // read and check by hand
	posted  []atomic.Int64 // by partition, the offset to commit; 0 where nothing was posted
}

// RunKafka carries a topic to the sink until ctx ends.
func RunKafka(ctx context.Context, args []string, _ io.Writer) error {
	fs := flag.NewFlagSet("kafka-ceiling", flag.ContinueOnError)
	brokers := fs.String("brokers", "", "brokers")
	topic := fs.String("topic", "", "topic")
	group := fs.String("group", "", "consumer group")
	partitions := fs.Int("partitions", 0, "partitions of the topic")
	bare := fs.Bool("bare", false, "read and check by hand")
	sink := fs.String("sink", "", "address of the sink")
	encrypted := fs.Bool("tls", false, "connect to the brokers over TLS")
	if err := fs.Parse(args); err != nil {
		return err
	}
	dialer := &kafka.Dialer{Timeout: 10 * time.Second, DualStack: true}
	if *encrypted {
		dialer.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		Dialer: dialer,
		ID:     *group, Brokers: strings.Split(*brokers, ","), Topics: []string{*topic},
		StartOffset: kafka.FirstOffset, SessionTimeout: 10 * time.Second, HeartbeatInterval: time.Second,
	})
	if err != nil {
		return fmt.Errorf("open the consumer group: %w", err)
	}
	gen, err := nextGeneration(ctx, cg)
	if err != nil {
		return errors.Join(fmt.Errorf("join the consumer group: %w", err), cg.Close())
	}
	c := &kafkaCeiling{
		dialer: dialer, brokers: strings.Split(*brokers, ","), topic: *topic, gen: gen,
		post: newPoster(*sink, readerFor(*bare)), bare: *bare, posted: make([]atomic.Int64, *partitions),
	}
	return errors.Join(c.consume(ctx), cg.Close())
}

// nextGeneration joins the group. A fresh broker refuses until its offsets topic stands.
func nextGeneration(ctx context.Context, cg *kafka.ConsumerGroup) (*kafka.Generation, error) {
	for {
		gen, err := cg.Next(ctx)
		var code kafka.Error
		if errors.As(err, &code) && code.Temporary() && ctx.Err() == nil {
			continue
		}
		return gen, err
	}
}

func (c *kafkaCeiling) consume(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	for _, a := range c.gen.Assignments[c.topic] {
		work.Go(func() error { return c.partition(ctx, a.ID, max(a.Offset, 0)) })
	}
	work.Go(func() error {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := c.commit(); err != nil {
					return err
				}
			case <-ctx.Done():
				return nil
			}
		}
	})
	if err := work.Wait(); err != nil {
		return err
	}
	return c.commit()
}

// partition carries one partition until ctx ends. What is read but not posted by then is left for the next reader.
func (c *kafkaCeiling) partition(ctx context.Context, partition int, offset int64) error {
	leader, err := c.dialer.LookupLeader(ctx, "tcp", c.brokers[0], c.topic, partition)
	if err != nil {
		return fmt.Errorf("find the partition's leader: %w", err)
	}
	f, err := c.open(ctx, net.JoinHostPort(leader.Host, strconv.Itoa(leader.Port)), partition)
	if err != nil {
		return err
	}
	defer f.close()
	var b batch
	each := func(offset int64, value []byte) error {
		posted, err := c.post.put(ctx, &b, value)
		if posted {
			c.posted[partition].Store(offset)
		}
		return err
	}
	for ctx.Err() == nil {
		next, err := f.fetch(offset, each)
		if err == nil && next == offset { // nothing new: do not sit on what is there
			if err = c.post.flush(ctx, &b); err == nil {
				c.posted[partition].Store(offset)
			}
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("partition %d: %w", partition, err)
		}
		offset = next
	}
	return nil
}

// recordReader reads one partition: each record from offset on goes to the function, in order. It returns the offset
// after the last, which is the same where nothing came for a while.
type recordReader interface {
	fetch(offset int64, each func(offset int64, value []byte) error) (int64, error)
	close() error
}

func (c *kafkaCeiling) open(ctx context.Context, leader string, partition int) (recordReader, error) {
	if c.bare {
		return newFetcher(ctx, leader, c.topic, int32(partition))
	}
	return newConnReader(ctx, c.dialer, leader, c.topic, partition)
}

func (c *kafkaCeiling) commit() error {
	offsets := map[int]int64{}
	for p := range c.posted {
		if n := c.posted[p].Load(); n > 0 {
			offsets[p] = n
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	if err := c.gen.CommitOffsets(map[string]map[int]int64{c.topic: offsets}); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
