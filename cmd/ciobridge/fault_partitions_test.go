package main

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// divide has the server divide the stream by person into four partitions, and configures a bridge that reads them.
func (s *subjects) divide() string {
	s.t.Helper()
	_, err := s.js.UpdateStream(s.t.Context(), jetstream.StreamConfig{
		Name: "EVENTS", Subjects: []string{"events.*"},
		SubjectTransform: &jetstream.SubjectTransformConfig{Source: "events.*",
			Destination: "events.{{partition(4,1)}}.{{wildcard(1)}}"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.configure(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, session_timeout: 1s, streams: [{name: "+
		"EVENTS, "+
		"partitions: [events.0.*, [events.1.*], events.2.*, events.3.*]}]}}", s.url),
		"{subject: dead.events, stream: DEAD, "+
			"create: true}")
}

// produceDivided publishes events of some persons, each under a subject of the person's own.
func (s *subjects) produceDivided(n int) {
	s.t.Helper()
	const persons = 50
	for range n / persons {
		var round []outgoing
		for i := range persons {
			who := fmt.Sprintf("p%d", i)
			round = append(round, outgoing{"events." + who, s.event(who, "numbered")})
		}
		publishRound(s.t, s.js, round)
	}
}

// One replica of a divided stream reads all the time while its neighbour is killed again and again.
func TestKilledUnderLoadOnPartitions(t *testing.T) {
	longtest.Only(t)
	beside(t)
	s := newSubjects(t)
	path := s.divide()
	neighbour := start(t, "run", "-c", path)
	killLoop(t, s.world, path, s.produceDivided)
	if code := neighbour.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}
