package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// MissingTopicsError names topics that the configuration names and the cluster does not have.
type MissingTopicsError struct{ Topics []string }

// Error says which topics they are and what to do.
func (e *MissingTopicsError) Error() string {
	if len(e.Topics) == 1 {
		return fmt.Sprintf("topic %s does not exist: make it, or correct its name in source.kafka.topics", e.Topics[0])
	}
	return fmt.Sprintf("topics %s do not exist: make them, or correct their names in source.kafka.topics",
		strings.Join(e.Topics, ", "))
}

// Check asks the cluster whether it has every topic that is to be read. The error is a *MissingTopicsError when it has
// not.
func (k *Source) Check(ctx context.Context) error {
	c := &cluster{kafka: k.kafka}
	defer c.close()
	l, err := c.metadata(ctx, k.config.Topics)
	if err != nil {
		return err
	}
	if missing := l.missingTopics(k.config.Topics); len(missing) > 0 {
		return &MissingTopicsError{missing}
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
	state, missing := k.state, k.missing
	k.mu.Unlock()
	var troubles []string
	if state != nil {
		troubles = append(troubles, state.Error())
	}
	for _, topic := range missing {
		troubles = append(troubles, (&MissingTopicsError{[]string{topic}}).Error())
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
