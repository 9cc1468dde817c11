package kafkagroup

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/ciobridge/ciobridge/broker"
)

// Coordinator is a connection to the broker that coordinates a group. It finds that broker and connects when a request
// needs it, and again after an error. It is safe for concurrent use; requests wait for each other.
type Coordinator struct {
	// Find asks the cluster for the address of the group's coordinator.
	Find func(ctx context.Context) (addr string, err error)
	// Dial connects to a broker.
	Dial func(ctx context.Context, addr string) (*broker.KafkaConn, error)
	// ConnectLimit bounds finding and connecting together; zero leaves that to the limit of the request.
	ConnectLimit time.Duration

	mu   sync.Mutex
	conn *broker.KafkaConn
}

// Connect finds the coordinator and connects to it, unless that is done.
func (c *Coordinator) Connect(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connect(ctx)
}

// connect does what Connect does. The caller holds mu.
func (c *Coordinator) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	if c.ConnectLimit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.ConnectLimit)
		defer cancel()
	}
	addr, err := c.Find(ctx)
	if err != nil {
		return err
	}
	conn, err := c.Dial(ctx, addr)
	if err != nil {
		return err
	}
	c.conn = conn
	return nil
}

// Call makes a request, which takes no longer than limit.
func (c *Coordinator) Call(ctx context.Context, limit time.Duration, req protocol.Message) (protocol.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	res, err := c.conn.RoundTrip(ctx, req)
	if err != nil {
		c.conn = nil
	}
	return res, err
}

// Close closes the connection. The next request makes another.
func (c *Coordinator) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// check turns the error code of an answer into an error. A coordinator that has moved is looked for anew.
func (c *Coordinator) check(doing string, code int16) error {
	switch kafka.Error(code) {
	case 0:
		return nil
	case kafka.NotCoordinatorForGroup, kafka.GroupCoordinatorNotAvailable:
		c.Close()
	}
	return fmt.Errorf("%s: %w", doing, kafka.Error(code))
}
