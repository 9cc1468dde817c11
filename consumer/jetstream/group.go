package jetstream

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
)

// group divides the partitions among the replicas that are there. Each replica shows itself by a short-lived consumer of its own on
// the first partitioned stream, which the server drops when its replica is silent, and all come to the same division from the list
// of them.
//
// It only says who asks for a partition. Who reads one is decided by the pin alone, so that replicas that see different lists for a
// moment do no harm.
type group struct {
	conn         *broker.NATS
	stream       string
	filter       string // of the consumer; no message matches it where that can be had
	prefix       string // of the consumers' names
	name         string
	partitions   int
	wholeStreams int // streams that are read whole, which any replica may have
	session      time.Duration
	answer       time.Duration
	log          *zap.Logger
	onReplicas   func(replicas int)

	presenceMade bool // our consumer was made; only run uses it

	mu      sync.Mutex
	members []string // nil until they are known
	owners  []string // of the parts
	changed chan struct{}
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

// assigned reports whether a part is ours to read, and a channel that is closed when that may have changed. Without anybody to share with
// all is.
func (s *group) assigned(part int) (bool, <-chan struct{}) {
	if s == nil || part < 0 {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members != nil && s.owners[part] == s.name, s.changed
}

// run shows this replica and looks for the others until ctx ends.
func (s *group) run(ctx context.Context) {
	tick := time.NewTicker(s.session / 4)
	defer tick.Stop()
	for {
		members, err := s.showAndList(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			s.setMembers(members)
		case s.known() || errors.Is(err, nats.ErrDisconnected):
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

// showAndList shows that this replica is there, and lists all that are. Where the server has lost our consumer it may have lost the others'
// too: then the list is that of before for one round.
func (s *group) showAndList(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.answer)
	defer cancel()
	if !s.conn.Conn().IsConnected() {
		return nil, nats.ErrDisconnected
	}
	again := s.presenceMade
	there := false
	if s.presenceMade {
		subject := "$JS.API.CONSUMER.MSG.NEXT." + s.stream + "." + s.name
		_, err := s.conn.Conn().RequestWithContext(ctx, subject, []byte(`{"batch":1,"no_wait":true}`))
		if there = err == nil; err != nil && !errors.Is(err, nats.ErrNoResponders) {
			return nil, fmt.Errorf("show this replica: %w", err)
		}
	}
	stream, err := s.conn.JetStream().Stream(ctx, s.stream)
	if err != nil {
		return nil, fmt.Errorf("look at the stream: %w", err)
	}
	if !there {
		if err := s.createPresence(ctx, stream); err != nil {
			return nil, err
		}
		if again {
			return s.lastMembers(), nil
		}
	}
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

func (s *group) createPresence(ctx context.Context, stream jetstream.Stream) error {
	_, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Name: s.name, Description: "shows that a replica is there", FilterSubject: s.filter,
		DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, InactiveThreshold: s.session,
	})
	if err != nil {
		return fmt.Errorf("show this replica: %w", err)
	}
	s.presenceMade = true
	return nil
}

// deletePresence tells the others at once.
func (s *group) deletePresence() {
	ctx, cancel := context.WithTimeout(context.Background(), s.answer)
	defer cancel()
	if s.presenceMade && s.conn.Conn().IsConnected() {
		_ = s.conn.JetStream().DeleteConsumer(ctx, s.stream, s.name) // else they see it when it has been silent
	}
}

func (s *group) known() bool { return s.lastMembers() != nil }

func (s *group) lastMembers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members
}

// setMembers gives each part an owner.
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
	s.log.Info("partitions divided among the replicas", zap.Int("replicas", len(members)), zap.Int("partitions", s.partitions), zap.Int("ours", ours))
	s.onReplicas(min(len(members), s.partitions+s.wholeStreams))
}

// assignPartitions gives each member as many parts as any other, or one more, and moves few when a member comes or goes: the pairs of a part and
// a member are taken in an order that is the same for all, and a pair is made where the part is free and the member has room.
func assignPartitions(members []string, parts int) []string {
	type pair struct {
		part   int
		member string
		rank   uint64
	}
	pairs := make([]pair, 0, parts*len(members))
	for i := range parts {
		for _, m := range members {
			h := fnv.New64a()
			fmt.Fprintf(h, "%s/%d", m, i)
			pairs = append(pairs, pair{i, m, h.Sum64()})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.rank, b.rank) })

	least, more := parts/len(members), parts%len(members)
	has := map[string]int{}
	owners := make([]string, parts)
	for _, p := range pairs {
		one := has[p.member] == least // one more than the least
		if owners[p.part] != "" || has[p.member] > least || one && more == 0 {
			continue
		}
		if one {
			more--
		}
		has[p.member]++
		owners[p.part] = p.member
	}
	return owners
}
