package kafka

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/internal/canarytest"
)

func TestRetryLoggerTellsBeginningAndEnd(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	counted := map[string]int{}
	tr := newRetryLogger(canarytest.Logger(t, core), "fetch", func(reason string) { counted[reason]++ })
	tr.succeeded()
	if logs.Len() != 0 {
		t.Fatal("an end without a beginning")
	}
	var longest time.Duration
	for range 20 {
		longest = max(longest, tr.failed(errors.New("connection refused")))
	}
	if longest < 2*time.Second || longest > 8*time.Second {
		t.Errorf("the longest pause is %v", longest)
	}
	refused := fmt.Errorf("join: %w", kafka.SASLAuthenticationFailed)
	tr.succeeded()
	if wait := tr.failed(refused); wait < time.Second {
		t.Errorf("a refused password is tried again after %v", wait)
	}
	tr.failed(refused)
	tr.succeeded()
	var lines []string
	for _, e := range logs.All() {
		lines = append(lines, e.Message)
	}
	if want := "[kafka trouble kafka trouble over kafka trouble kafka trouble over]"; fmt.Sprint(lines) != want {
		t.Errorf("logged %v", lines)
	}
	if counted[reasonConnection] != 20 || counted[reasonAuth] != 2 {
		t.Errorf("counted %v", counted)
	}
}

func TestReasons(t *testing.T) {
	for want, err := range map[string]error{
		reasonConnection: errors.New("dial tcp: connection refused"),
		reasonBroker:     brokerError("fetch", int16(kafka.NotLeaderForPartition)),
		reasonAuth:       brokerError("fetch", int16(kafka.TopicAuthorizationFailed)),
	} {
		if got := reasonOf(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}

func TestPlace(t *testing.T) {
	log := bounds{start: 10, end: 50, startAt: 50}
	for name, c := range map[string]struct {
		committed int64
		added     bool
		offset    int64
		pin       bool
		stop      string
		lost      int64
	}{
		"nothing committed":          {committed: -1, offset: 50, pin: true},
		"nothing, a later partition": {committed: -1, added: true, offset: 10, pin: true},
		"at the start":               {committed: 10, offset: 10},
		"at the end":                 {committed: 50, offset: 50},
		"deleted":                    {committed: 9, stop: stopBelowLog, lost: 1},
		"beyond":                     {committed: 53, stop: stopAboveLog, lost: 3},
	} {
		offset, commitFirst, halt := startOffset(checkpoint{offset: c.committed}, c.added, log)
		switch {
		case c.stop == "" && (halt != nil || offset != c.offset || commitFirst != c.pin):
			t.Errorf("%s: %d %v %+v", name, offset, commitFirst, halt)
		case c.stop != "" && (halt == nil || halt.reason != c.stop || halt.lost != c.lost):
			t.Errorf("%s: %+v", name, halt)
		}
	}
}

func TestAddedLater(t *testing.T) {
	all := map[partitionKey]checkpoint{
		{"a", 0}: {offset: 5, partitions: 2}, {"a", 1}: {offset: -1}, {"a", 2}: {offset: -1},
		{"b", 0}: {offset: 5}, {"b", 1}: {offset: -1},
	}
	for key, want := range map[partitionKey]bool{{"a", 1}: false, {"a", 2}: true, {"b", 1}: false} {
		if got := addedLater(key, all); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}
