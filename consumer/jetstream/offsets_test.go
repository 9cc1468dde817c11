package jetstream

import (
	"errors"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/consumer"
)

func TestStreamOffsets(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	ctx := t.Context()
	cfg := fastConfig()
	cfg.StartAt = "latest"
	wantOffset := func(committed, start, end, lost int64) {
		t.Helper()
		got, err := Offsets(ctx, s.client, cfg)
		want := consumer.OffsetInfo{Topic: "EVENTS", Committed: committed, Start: start, End: end}
		if err != nil || len(got) != 1 || got[0] != want || got[0].Lost() != lost {
			t.Fatalf("offsets are %+v, %v, want %+v with %d lost", got, err, want, lost)
		}
	}
	set := func(offset int64) error {
		return SetOffsets(ctx, s.client, cfg, []consumer.OffsetChange{{Topic: "EVENTS", Offset: offset}})
	}
	wantOffset(-1, 1, 11, 0)

	r := s.replica(cfg).start()
	waitUntil(t, "it has joined", func() bool { return r.source.Ready() == nil })
	s.publish(11, 12)
	waitUntil(t, "two are acknowledged", func() bool { return s.ackFloor() == 12 })
	wantOffset(13, 1, 13, 0)
	if err := set(12); !errors.Is(err, ErrStreamRead) {
		t.Fatalf("setting the offset under a reader gives %v", err)
	}
	r.stop()

	for _, offset := range []int64{12, 4} { // the second lies before where reading once began
		if err := set(offset); err != nil {
			t.Fatal(err)
		}
		wantOffset(offset, 1, 13, 0)
		again := s.replica(cfg).start()
		waitUntil(t, "it reads from there", func() bool { return again.last() == 12 })
		wantSeen(t, "the reader", again.seen(), sequence(offset, 12))
		again.stop()
	}
	if err := set(99); err == nil || !strings.Contains(err.Error(), "give 1 to 13") {
		t.Fatalf("an offset that does not exist gives %v", err)
	}
}

// After a gap the way on is to set the offset to the start of what is left.
func TestStreamOffsetsPastAGap(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 30)
	cfg := fastConfig()
	change := func(offset int64) {
		t.Helper()
		if err := SetOffsets(t.Context(), s.client, cfg,
			[]consumer.OffsetChange{{Topic: "EVENTS", Offset: offset}}); err != nil {
			t.Fatal(err)
		}
	}
	change(13) // before anything was read
	streamCfg := s.stream().CachedInfo().Config
	streamCfg.MaxMsgs = 5
	if _, err := s.client.JetStream().UpdateStream(t.Context(), streamCfg); err != nil {
		t.Fatal(err)
	}
	offsets, err := Offsets(t.Context(), s.client, cfg)
	if err != nil || offsets[0].Lost() != 13 || offsets[0].Start != 26 {
		t.Fatalf("offsets are %+v, %v", offsets, err)
	}
	if gap := wantGap(t, s.replica(cfg).start()); gap.Lost() != 13 {
		t.Fatalf("the reader misses %d", gap.Lost())
	}
	waitUntil(t, "the reader has let go", func() bool {
		for _, g := range s.consumer().PriorityGroups {
			if g.PinnedClientID != "" {
				return false
			}
		}
		return true
	})
	change(offsets[0].Start)
	r := s.replica(cfg).start()
	waitUntil(t, "it reads on behind the gap", func() bool { return r.last() == 30 })
	wantSeen(t, "the reader", r.seen(), sequence(26, 30))
	r.stop()
}
