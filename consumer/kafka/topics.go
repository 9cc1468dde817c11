package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// MissingTopicsError names what the configuration wants to read and the cluster does not have: topics, and patterns
// that no topic matches.
type MissingTopicsError struct{ Topics, Patterns []string }

// Error says which they are and what to do.
func (e *MissingTopicsError) Error() string {
	var texts []string
	switch len(e.Topics) {
	case 0:
	case 1:
		texts = append(texts, fmt.Sprintf("topic %s does not exist: make it, or correct its name in "+
			"source.kafka.topics", e.Topics[0]))
	default:
		texts = append(texts, fmt.Sprintf("topics %s do not exist: make them, or correct their names in "+
			"source.kafka.topics", strings.Join(e.Topics, ", ")))
	}
	for _, pattern := range e.Patterns {
		texts = append(texts, fmt.Sprintf("no topic matches the pattern %q: make one, or correct the pattern in "+
			"source.kafka.topics", pattern))
	}
	return strings.Join(texts, "; ")
}

// Check asks the cluster whether it has every topic that is to be read, and one for each pattern. The error is a
// *MissingTopicsError when it has not.
func (k *Source) Check(ctx context.Context) error {
	c := &cluster{kafka: k.kafka}
	defer c.close()
	s, err := c.subscription(ctx, &k.config)
	if err != nil {
		return err
	}
	l, err := c.metadata(ctx, s.topics)
	if err != nil {
		return err
	}
	if missing := l.missingTopics(k.config.Topics); len(missing)+len(s.idle) > 0 {
		return &MissingTopicsError{missing, s.idle}
	}
	return nil
}

// missingTopics are those of the topics that do not exist.
func (l *layout) missingTopics(topics []string) (missing []string) {
	for _, topic := range topics {
		if len(l.leaders[topic]) == 0 {
			missing = append(missing, topic)
		}
	}
	return missing
}

// noteMissing takes over which topics do not exist.
func (k *Source) noteMissing(topics []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.missing = topics
}

func (k *Source) isMissing(topic string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Contains(k.missing, topic)
}

// Troubles says what keeps messages from coming, or some of them: that the group is not joined, which topics do not
// exist, and, when none of our partitions can be read on, why. It is empty while all is well.
func (k *Source) Troubles() []string {
	k.mu.Lock()
	state, missing, idle := k.state, k.missing, k.subscription.idle
	k.mu.Unlock()
	var troubles []string
	if state != nil {
		troubles = append(troubles, state.Error())
	}
	for _, topic := range missing {
		troubles = append(troubles, (&MissingTopicsError{Topics: []string{topic}}).Error())
	}
	for _, pattern := range idle {
		troubles = append(troubles, (&MissingTopicsError{Patterns: []string{pattern}}).Error())
	}
	g := k.generation.Load()
	if g == nil {
		return troubles
	}
	var halted []string
	for _, p := range g.partitions {
		p.mu.Lock()
		halt := p.halt
		p.mu.Unlock()
		if halt == nil {
			return troubles
		}
		halted = append(halted, "partition "+p.key.String()+" is "+halt.String())
	}
	return append(troubles, halted...)
}
