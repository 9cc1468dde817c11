package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
)

// group is the replicas that are there, among which the partitions are divided. Each replica shows its presence by a
// short-lived consumer of its own on the first partitioned stream. The server drops that consumer when its replica is
// silent. All replicas divide the partitions in the same way, by the list of those consumers.
//
// The group only says which replica asks for a partition. Which one reads it is decided by the pin alone, so it does
// no harm if replicas see different lists for a moment.
//
// run is one goroutine of Source.Consume. The readers ask assigned. onReplicas is called with mu held.
type group struct {
	conn         *broker.NATS
	stream       string // that has the consumers
	filter       string // of the consumers; no message matches it where that is possible
	prefix       string // of the consumers' names
	name         string // of this replica's consumer
	partitions   int
	wholeStreams int // streams that are read whole, by any replica
	session      time.Duration
	answer       time.Duration
	log          *zap.Logger
	onReplicas   func(replicas int)

	presenceMade bool // this replica's consumer was made; only run uses it

	mu      sync.Mutex
	members []string      // names of the consumers; nil until they are known
	owners  []string      // the member that each partition is assigned to
	changed chan struct{} // closed when owners change
}

// newGroup is nil where no stream has partitions.
func newGroup(conn *broker.NATS, cfg Config, log *zap.Logger) *group {
	s := &group{
		conn: conn, prefix: cfg.Durable + "-replica-", session: cfg.SessionTimeout, answer: cfg.tuning.answer,
		log: log, onReplicas: func(int) {}, changed: make(chan struct{}),
	}
	s.name = s.prefix + rand.Text()
	for _, p := range cfg.partitions() {
		if p.of == 0 {
			s.wholeStreams++
			continue
		}
		if s.partitions == 0 {
			s.stream = p.stream
			s.filter = strings.NewReplacer("*", s.name, ">", s.name).Replace(p.filter[0])
		}
		s.partitions++
	}
	if s.partitions == 0 {
		return nil
	}
	return s
}

// assigned reports whether a partition is assigned to this replica, and a channel that is closed when that may have
// changed. A stream that is read whole has no group, and is always assigned.
func (s *group) assigned(partition int) (bool, <-chan struct{}) {
	if s == nil {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members != nil && s.owners[partition] == s.name, s.changed
}

// run shows this replica to the others, and divides the partitions, until ctx ends.
func (s *group) run(ctx context.Context) {
	tick := time.NewTicker(s.session / 4)
	defer tick.Stop()
	for {
		members, err := s.showAndList(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			s.setMembers(members)
		case s.lastMembers() != nil || errors.Is(err, nats.ErrDisconnected):
		default:
			s.log.Warn("other replicas cannot be seen: partitions are not shared evenly", zap.Error(err))
			s.setMembers([]string{s.name})
		}
		select {
		case <-ctx.Done():
			s.deletePresence()
			return
		case <-tick.C:
		}
	}
}

// showAndList shows the presence of this replica, and lists the members. If the server has lost our consumer, it may
// have lost those of others too. Then the members stay as they were for one round.
func (s *group) showAndList(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.answer)
	defer cancel()
	if !s.conn.Conn().IsConnected() {
		return nil, nats.ErrDisconnected
	}
	exists, err := s.keepPresence(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := s.conn.JetStream().Stream(ctx, s.stream)
	if err != nil {
		return nil, fmt.Errorf("look at the stream: %w", err)
	}
	if !exists {
		lost := s.presenceMade
		if err := s.createPresence(ctx, stream); err != nil {
			return nil, err
		}
		if lost {
			return s.lastMembers(), nil
		}
	}
	return s.listMembers(ctx, stream)
}

// keepPresence uses this replica's consumer, so that the server keeps it. It reports whether the server has it.
func (s *group) keepPresence(ctx context.Context) (exists bool, err error) {
	if !s.presenceMade {
		return false, nil
	}
	subject := s.conn.API("CONSUMER.MSG.NEXT.") + s.stream + "." + s.name
	_, err = s.conn.Conn().RequestWithContext(ctx, subject, []byte(`{"batch":1,"no_wait":true}`))
	if errors.Is(err, nats.ErrNoResponders) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("show this replica: %w", err)
	}
	return true, nil
}

// listMembers lists this replica and those whose consumers the server has, sorted.
func (s *group) listMembers(ctx context.Context, stream jetstream.Stream) ([]string, error) {
	members := []string{s.name}
	lister := stream.ConsumerNames(ctx)
	for name := range lister.Name() {
		if strings.HasPrefix(name, s.prefix) && name != s.name {
			members = append(members, name)
		}
	}
	if err := lister.Err(); err != nil {
		return nil, fmt.Errorf("list the replicas: %w", err)
	}
	slices.Sort(members)
	return members, nil
}

// createPresence makes this replica's consumer.
func (s *group) createPresence(ctx context.Context, stream jetstream.Stream) error {
	_, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Name: s.name, Description: "shows that a replica is there", FilterSubject: s.filter,
		DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, InactiveThreshold: s.session,
	})
	if err != nil {
		return fmt.Errorf("show this replica: %w", err)
	}
	s.presenceMade = true
	return nil
}

// deletePresence tells the others at once that this replica leaves.
func (s *group) deletePresence() {
	ctx, cancel := context.WithTimeout(context.Background(), s.answer)
	defer cancel()
	if s.presenceMade && s.conn.Conn().IsConnected() {
		_ = s.conn.JetStream().DeleteConsumer(ctx, s.stream, s.name) // if it fails, the server drops it a little later
	}
}

// lastMembers is nil until the members are known.
func (s *group) lastMembers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members
}

// setMembers assigns the partitions anew if the members have changed.
func (s *group) setMembers(members []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(members, s.members) {
		return
	}
	s.members, s.owners = members, assignPartitions(members, s.partitions)
	close(s.changed)
	s.changed = make(chan struct{})
	ours := 0
	for _, owner := range s.owners {
		if owner == s.name {
			ours++
		}
	}
	s.log.Info("partitions divided among the replicas",
		zap.Int("replicas", len(members)), zap.Int("partitions", s.partitions), zap.Int("ours", ours))
	s.onReplicas(min(len(members), s.partitions+s.wholeStreams))
}
