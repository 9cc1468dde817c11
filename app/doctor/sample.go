package doctor

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
)

// spread is how the persons of sampled events are spread over partitions.
type spread struct {
	messages, keyless, mapped, failed int
	future                            int                // messages of a time that has not come
	where                             map[place]int32    // the partition in which a person was seen first
	split                             map[place]struct{} // persons in several partitions of one topic
	logs                              map[string]map[int32]bool
}

type place struct {
	topic  string
	person event.Lane
}

// sample reads the newest messages of each partition, maps them, and looks whether the events of a person share a
// partition: the order of a person's events is kept within one.
func sample(ctx context.Context, c config.Config, rules *mapping.Rules, b source.Broker, most int,
	e *source.Examination, log *zap.Logger) {
	if most == 0 {
		return
	}
	s := &spread{where: map[place]int32{}, split: map[place]struct{}{}, logs: map[string]map[int32]bool{}}
	if err := s.read(ctx, c, rules, b, most, log); err != nil {
		e.Warn("newest events", err.Error(), "see for yourself that the events of a person share a key")
		return
	}
	s.tell(e, c.Source.Section().Kind() == "kafka")
}

func (s *spread) read(ctx context.Context, c config.Config, rules *mapping.Rules, b source.Broker, most int,
	log *zap.Logger) error {
	decoder, err := app.Content(c, log)
	if err != nil {
		return err
	}
	defer decoder.Close()
	extents, err := b.Extents(ctx, consumer.Bounds{})
	if err != nil {
		return err
	}
	for _, x := range extents {
		x.From = max(x.From, x.End-int64(most))
		if x.Count() == 0 {
			continue
		}
		err := b.ReadExtent(ctx, x, func(m *event.Message) error {
			if err := decoder.Decode(ctx, rules.Forms(m.Origin.Topic), m); err != nil {
				return err
			}
			s.see(rules, m, time.Now())
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the newest events: %w", err)
		}
	}
	return nil
}

// future is how far ahead of our clock a message may be.
const future = time.Minute

func (s *spread) see(rules *mapping.Rules, m *event.Message, now time.Time) {
	s.messages++
	if len(m.Key) == 0 {
		s.keyless++
	}
	if m.Time.After(now.Add(future)) {
		s.future++
	}
	if s.logs[m.Origin.Topic] == nil {
		s.logs[m.Origin.Topic] = map[int32]bool{}
	}
	s.logs[m.Origin.Topic][m.Origin.Partition] = true
	calls, failures := rules.Map(m)
	if len(failures) > 0 {
		s.failed++
	}
	if len(calls) > 0 {
		s.mapped++
	}
	for i := range calls {
		for _, lane := range calls[i].Lanes {
			at := place{m.Origin.Topic, lane}
			if first, seen := s.where[at]; !seen {
				s.where[at] = m.Origin.Partition
			} else if first != m.Origin.Partition {
				s.split[at] = struct{}{}
			}
		}
	}
}

// tell notes what was seen. Persons are counted and never named.
func (s *spread) tell(e *source.Examination, keyed bool) {
	what := "partitioning by person"
	divided := false
	for _, partitions := range s.logs {
		divided = divided || len(partitions) > 1
	}
	switch {
	case s.messages == 0:
		e.OK(what, "there are no events to look at yet")
	case len(s.split) > 0:
		e.Warn(what, fmt.Sprintf("of %d identifiers in %d events %d were seen in several partitions of a topic: "+
			"the events of those persons may be sent in another order than they happened", len(s.where), s.messages,
			len(s.split)), "have producers use the person's id as the key, and look for somebody who has "+
			"changed the number of partitions")
	case keyed && divided && s.keyless > 0:
		e.Warn(what, fmt.Sprintf("%d of %d events have no key: they go to any partition", s.keyless, s.messages),
			"have producers use the person's id as the key")
	default:
		e.OK(what, "%d identifiers in %d events, each in one partition", len(s.where), s.messages)
	}
	if s.future > 0 {
		e.Warn("clock of the producers", fmt.Sprintf("%d of %d events have a time that has not come", s.future,
			s.messages),
			"look at the time service of this machine and of the producers")
	}
	switch {
	case s.messages == 0:
	case s.mapped+s.failed == 0:
		e.Warn("rules", fmt.Sprintf("none of them applies to any of %d events", s.messages),
			"ciobridge map shows for one event why not")
	case s.failed > 0:
		e.Warn("rules", fmt.Sprintf("%d of %d events would become dead letters", s.failed, s.messages),
			"ciobridge map shows for one event what is wrong")
	default:
		e.OK("rules", "%d of %d events become calls", s.mapped, s.messages)
	}
}
