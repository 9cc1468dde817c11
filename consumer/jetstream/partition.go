package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// partition is what one reader reads: a whole stream, or one of the partitions into which it is divided by subject.
type partition struct {
	stream  string
	index   int32    // from 0
	of      int      // the number of partitions; 0 for a stream that is read whole
	filter  []string // the subjects that are read; empty for all
	durable string   // the name of the consumer
}

// partitions are what is read, in the order of the configuration. The name of a partition's durable has the number of
// partitions in it, so that durables of different divisions are never taken for one another.
func (c *Config) partitions() []partition {
	var parts []partition
	for _, s := range c.Streams {
		if len(s.Partitions) == 0 {
			parts = append(parts, partition{stream: s.Name, filter: s.Subjects, durable: c.Durable})
		}
		for i, filter := range s.Partitions {
			parts = append(parts, partition{
				stream: s.Name, index: int32(i), of: len(s.Partitions), filter: filter,
				durable: partitionDurable(c.Durable, i, len(s.Partitions)),
			})
		}
	}
	return parts
}

func partitionDurable(durable string, index, of int) string {
	return fmt.Sprintf("%s-%d-of-%d", durable, index, of)
}

// String is the stream, followed by the partition if the stream is divided.
func (p *partition) String() string {
	if p.of == 0 {
		return p.stream
	}
	return p.stream + "/" + strconv.Itoa(int(p.index))
}

// partitionCount reads the number of partitions from the name of a consumer. It is 0 where the stream is read whole.
// It is not ok if the consumer is not one of those that a configuration with this durable has.
func partitionCount(name, durable string) (of int, ok bool) {
	if name == durable {
		return 0, true
	}
	rest, ok := strings.CutPrefix(name, durable+"-")
	if !ok {
		return 0, false
	}
	index, count, ok := strings.Cut(rest, "-of-")
	if _, err := strconv.ParseUint(index, 10, 31); !ok || err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(count, 10, 31)
	return int(n), err == nil && n > 0
}

// checkPartitioning refuses a stream on which the bridge has durables of another division. A partition is read from
// the place where its own durable stands. Only the operator can know whether what the others have not finished is
// read elsewhere, and whether what they have finished is read again.
func (r *reader) checkPartitioning(ctx context.Context, stream jetstream.Stream) error {
	lister := stream.ConsumerNames(ctx)
	var others []string
	for name := range lister.Name() {
		if of, ok := partitionCount(name, r.cfg.Durable); ok && of != r.partition.of {
			others = append(others, name)
		}
	}
	if err := lister.Err(); err != nil {
		return fmt.Errorf("list the stream's consumers: %w", err)
	}
	if len(others) == 0 {
		return nil
	}
	slices.Sort(others)
	var unfinished uint64
	for _, name := range others {
		consumer, err := stream.Consumer(ctx, name)
		if err != nil {
			return fmt.Errorf("look at the consumer %s: %w", name, err)
		}
		info := consumer.CachedInfo()
		unfinished += info.NumPending + uint64(info.NumAckPending)
	}
	return &fatalError{&DivisionError{Stream: r.partition.stream, Durables: others, Unfinished: unfinished}}
}

// partitioningChanged is the error for a partition whose subjects are not those of its durable.
func (r *reader) partitioningChanged(state *jetstream.ConsumerInfo) error {
	e := &DivisionError{Stream: r.partition.stream, Unfinished: state.NumPending + uint64(state.NumAckPending)}
	for i := range r.partition.of {
		e.Durables = append(e.Durables, partitionDurable(r.cfg.Durable, i, r.partition.of))
	}
	return e
}

// DivisionError says that a stream was divided in another way before, and that the durables of that division still
// exist.
type DivisionError struct {
	Stream     string
	Durables   []string // of the other division
	Unfinished uint64   // messages that they have not finished, as far as they were looked at
}

func (e *DivisionError) Error() string {
	remove := make([]string, len(e.Durables))
	for i, name := range e.Durables {
		remove[i] = fmt.Sprintf("nats consumer rm %s %s", e.Stream, name)
	}
	return fmt.Sprintf("stream %s was divided into partitions in another way, and at least %d messages of that are "+
		"unfinished: pause the publishers; let the bridge finish with the partitions of before, until "+
		"ciobridge offsets show says for each that nothing is unread; "+
		"stop every replica and note END; delete the old consumers with: %s; divide the subjects anew; "+
		"with the new configuration run: ciobridge offsets set %s=END; then start the replicas and the publishers",
		e.Stream, e.Unfinished, strings.Join(remove, "; "), e.Stream)
}

// validatePartitions refuses partitions that overlap: a message of two partitions would be read twice.
func (s *StreamConfig) validatePartitions(path string) error {
	var errs []error
	if len(s.Partitions) > 0 && len(s.Subjects) > 0 {
		err := mistake.Of("%s.partitions: cannot stand beside subjects: put the subjects into the partitions", path)
		errs = append(errs, err)
	}
	type named struct{ path, subject string }
	var all []named
	for i, filter := range s.Partitions {
		at := fmt.Sprintf("%s.partitions[%d]", path, i)
		if len(filter) == 0 {
			errs = append(errs, mistake.Of("%s: names no subject", at))
		}
		for _, subject := range filter {
			if err := checkSubject(subject); err != nil {
				errs = append(errs, mistake.Of("%s: %w", at, err))
				continue
			}
			for _, before := range all {
				if server.SubjectsCollide(before.subject, subject) {
					errs = append(errs, mistake.Of("%s: overlaps a subject of %s: what both match would be read twice",
						at, before.path))
				}
			}
			all = append(all, named{at, subject})
		}
	}
	return errors.Join(errs...)
}

// checkSubject refuses what the server does not accept as a filter.
func checkSubject(subject string) error {
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		switch {
		case token == "" || strings.ContainsAny(token, " \t\r\n"),
			len(token) > 1 && strings.ContainsAny(token, "*>"),
			token == ">" && i < len(tokens)-1:
			return errors.New("is not a subject")
		}
	}
	return nil
}

// assignPartitions gives each member as many partitions as any other, or one more, and moves few when a member comes
// or goes. It goes through all pairs of a partition and a member in an order that is the same for all replicas. It
// assigns a partition if it is free and the member has room.
func assignPartitions(members []string, partitions int) []string {
	type pair struct {
		partition int
		member    string
		rank      uint64
	}
	pairs := make([]pair, 0, partitions*len(members))
	for i := range partitions {
		for _, m := range members {
			h := fnv.New64a()
			fmt.Fprintf(h, "%s/%d", m, i)
			pairs = append(pairs, pair{i, m, h.Sum64()})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.rank, b.rank) })

	least, more := partitions/len(members), partitions%len(members)
	has := map[string]int{}
	owners := make([]string, partitions)
	for _, p := range pairs {
		one := has[p.member] == least // one more than the least
		if owners[p.partition] != "" || has[p.member] > least || one && more == 0 {
			continue
		}
		if one {
			more--
		}
		has[p.member]++
		owners[p.partition] = p.member
	}
	return owners
}
