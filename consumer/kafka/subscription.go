package kafka

import (
	"context"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/topicpattern"
)

// subscription is which topics are read: those that the configuration names, and those that one of its patterns
// matches as a whole, in the order of their names.
type subscription struct {
	known  bool // it was found out
	topics []string
	// idle are the patterns that no topic matches.
	idle []string
}

// subscription asks the cluster for its topics where the configuration has patterns. Topics of Kafka's own, whose names
// begin with two underscores, have to be named.
func (c *cluster) subscription(ctx context.Context, config *Config) (subscription, error) {
	if len(config.Patterns) == 0 {
		return subscription{known: true, topics: config.Topics}, nil
	}
	l, err := c.metadata(ctx, nil)
	if err != nil {
		return subscription{}, err
	}
	s := subscription{known: true, topics: slices.Clone(config.Topics)}
	for _, text := range config.Patterns {
		pattern, err := topicpattern.Compile(text)
		if err != nil {
			return subscription{}, err
		}
		found := false
		for topic := range l.leaders {
			if !strings.HasPrefix(topic, "__") && pattern.MatchString(topic) {
				s.topics, found = append(s.topics, topic), true
			}
		}
		if !found {
			s.idle = append(s.idle, text)
		}
	}
	slices.Sort(s.topics)
	s.topics = slices.Compact(s.topics)
	return s, nil
}

// subscribe finds out which topics are to be read, for the member's next generation. What came to the cluster while we
// were looking is read from its beginning.
func (k *Source) subscribe(ctx context.Context, m *member) error {
	ctx, cancel := context.WithTimeout(ctx, k.config.SessionTimeout)
	defer cancel()
	s, err := k.cluster.subscription(ctx, &k.config)
	if err != nil {
		return err
	}
	k.mu.Lock()
	before := k.subscription
	k.subscription = s
	k.mu.Unlock()
	m.group.Subscribe(s.topics)
	if !before.known {
		return nil
	}
	for _, topic := range s.topics {
		if !slices.Contains(before.topics, topic) {
			k.noteAbsent(topic)
			k.log.Info("a new topic matches a pattern: it is read from its beginning", zap.String("topic", topic))
		}
	}
	return nil
}

// subscribed is what the current generation has subscribed to.
func (k *Source) subscribed() subscription {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.subscription
}

// subscriptionChanged reports whether other topics are to be read than the generation has subscribed to.
func (g *generation) subscriptionChanged(ctx context.Context) (bool, error) {
	if len(g.source.config.Patterns) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.source.config.SessionTimeout)
	defer cancel()
	now, err := g.source.cluster.subscription(ctx, &g.source.config)
	return err == nil && !slices.Equal(now.topics, g.source.subscribed().topics), err
}
