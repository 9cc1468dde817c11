package main

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// The fences are in a compacted topic of an Apache Kafka, the letters in another one.
func TestRealKafkaErasureOutlivesRestarts(t *testing.T) {
	beside(t)
	b, r := restartableBus(t, 1)
	path := b.configure(b.source(), "{topic: letters, create: true, partitions: 1}")
	f := &forgotten{world: b.world, broker: r, publish: b.publishValues, config: path, places: "topic: fences, " +
		"create: true, report_topic: " + deadTopic}
	f.test(func() []string {
		b.client.AddConsumeTopics(deadTopic)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var reports []string
		for _, r := range b.client.PollRecords(ctx, 10).Records() {
			reports = append(reports, string(r.Value))
		}
		return reports
	})
}

// The fences are in a bucket of a nats-server, the letters in a stream.
func TestRealNATSErasureOutlivesRestarts(t *testing.T) {
	beside(t)
	s, r := restartableSubjects(t)
	_, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "REPORTS", Subjects: []string{"told"}})
	if err != nil {
		t.Fatal(err)
	}
	f := &forgotten{world: s.world, broker: r, publish: s.publishValues, config: s.configureNATS(),
		places: "bucket: fences, report_subject: told"}
	f.test(func() (reports []string) {
		stream, err := s.js.Stream(t.Context(), "REPORTS")
		if err != nil {
			t.Fatal(err)
		}
		for n := range stream.CachedInfo().State.LastSeq {
			m, err := stream.GetMsg(t.Context(), n+1)
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, string(m.Data))
		}
		return reports
	})
}

// forgotten is a bridge that forgets somebody, on a broker that is restarted.
type forgotten struct {
	*world
	broker  *restartable
	publish func(values []string)
	config  string // its path
	places  string // of the fences and the reports
	set     []string
}

// test has a letter of ann written, erases her, and kills the bridge and the broker. What was before stays away for
// whoever comes next: a bridge and a replay. Then the letter is purged.
func (f *forgotten) test(reports func() []string) {
	t := f.t
	f.write("rules.yaml", forgetRules)
	f.write("erasure_key", "0123456789abcdef0123456789abcdef")
	f.set = []string{"-c", f.config, "--set", "erasure={key_file: " + f.path("erasure_key") + ", settle: 0s, " +
		f.places + "}"}
	if _, err := f.cio.AddFault(emulator.Fault{Refuse: "no", Person: "id:ann", Times: 1}); err != nil {
		t.Fatal(err)
	}
	first := launchChild(t, append([]string{"run"}, f.set...)...)
	f.publish([]string{`{"type":"seen","who":"ann","n":1}`})
	eventually(t, "the first call is a letter", 60*time.Second, func() bool {
		out, code := command(t, append([]string{"deadletters", "list", "-o", "json"}, f.set...)...)
		return code == exit.OK && strings.Contains(out, `"reason":"refused"`)
	})
	f.publish([]string{`{"type":"gone","who":"ann"}`, `{"type":"seen","who":"ann","n":2}`, `{"type":"seen","who":"bob"}`})
	f.receives("event", "id:bob")
	f.receives("delete", "id:ann") // before her fence is stored, all of it would come again in its order
	f.broker.restart("kill", 0)
	first.signal(syscall.SIGKILL)
	<-first.ended
	f.broker.restart("stop", 0)

	second := start(t, append([]string{"run"}, f.set...)...)
	f.publish([]string{`{"type":"seen","who":"ann","n":3}`, `{"type":"seen","who":"carl"}`})
	f.receives("event", "id:carl")
	expect(t, exit.OK, "1 closed and not sent: their persons were erased", append([]string{"deadletters", "replay",
		"--all"}, f.set...)...)
	expect(t, exit.OK, "0 open letters", append([]string{"deadletters", "replay", "--all"}, f.set...)...)
	f.publish([]string{`{"type":"back","who":"ann"}`})
	f.receives("identify", "id:ann")
	expect(t, exit.OK, "purged 1 letter and 1 resolution", append([]string{"deadletters", "purge", "--person", "ann",
		"--reason", "refused", "--yes"}, f.set...)...)
	if out, _ := command(t, append([]string{"deadletters", "list", "-o", "json"}, f.set...)...); out != "" {
		t.Errorf("after the purge: %s", out)
	}
	if code := second.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	f.onlyRefused("ann")
	told := reports()
	if len(told) == 0 || !strings.Contains(told[0], `"type":"ciobridge.person.erased"`) ||
		strings.Contains(strings.Join(told, ""), "ann") {
		t.Errorf("reports: %v", told)
	}
}
