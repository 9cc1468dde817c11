package internal_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/backfill"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/bounded"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// keptLog is a topic of two partitions with ten messages each, of which the first some are gone.
type keptLog struct {
	mu   sync.Mutex
	gone int64
	lag  int64
	fail error
}

func (l *keptLog) Extents(context.Context, consumer.Bounds) ([]consumer.Extent, error) {
	return []consumer.Extent{{Topic: "t", End: 10}, {Topic: "t", Partition: 1, End: 10}}, nil
}

func (l *keptLog) ReadExtent(_ context.Context, e consumer.Extent, f func(*event.Message) error) error {
	for offset := e.From; offset < e.End; offset++ {
		l.mu.Lock()
		gone, fail := l.gone, l.fail
		l.mu.Unlock()
		if offset < gone {
			e.From = offset
			return &consumer.GoneError{Extent: e, To: gone}
		}
		if offset == 7 && fail != nil {
			return fail
		}
		origin := event.Origin{Topic: e.Topic, Partition: e.Partition, Offset: offset}
		if err := f(&event.Message{Origin: origin, Key: []byte(canarytest.Person)}); err != nil {
			return err
		}
	}
	return nil
}

func (l *keptLog) Offsets(context.Context) ([]consumer.OffsetInfo, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return []consumer.OffsetInfo{{Topic: "t", End: l.lag}, {Topic: "t", Partition: 1, Committed: -1, End: 1 << 40}}, nil
}

// backfillNotes keep what is noted in memory.
type backfillNotes struct{ noted []consumer.OffsetChange }

func (n *backfillNotes) Load(context.Context) ([]consumer.OffsetChange, error) { return n.noted, nil }

func (n *backfillNotes) Store(_ context.Context, changes []consumer.OffsetChange) error {
	n.noted = changes
	return nil
}

func (n *backfillNotes) Remove(context.Context) error {
	n.noted = nil
	return nil
}

// handedOver is how often each offset was handed over, over both partitions.
type handedOver struct {
	mu    sync.Mutex
	count map[int64]int
}

func (r *handedOver) handle(_ event.Lease, m *event.Message, done func()) error {
	r.mu.Lock()
	r.count[m.Origin.Offset]++
	r.mu.Unlock()
	done()
	return nil
}

// A backfill that ends early goes on where each partition was finished, and one that is finished leaves no notes.
func TestABackfillGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, n := &keptLog{fail: errors.New("the broker is down")}, &backfillNotes{}
		r := &handedOver{count: map[int64]int{}}
		start := func(o backfill.Options) (*backfill.Backfill, error) {
			b, err := backfill.New(t.Context(), l, n, o, canarytest.Logger(t))
			if err != nil {
				t.Fatal(err)
			}
			return b, b.Consume(t.Context(), r.handle)
		}
		if _, err := start(backfill.Options{}); !errors.Is(err, l.fail) {
			t.Fatalf("got %v", err)
		}
		l.fail = nil
		b, err := start(backfill.Options{})
		if p := b.Progress(); err != nil || !p.Resumed || p.Before < 7 || p.Done != 20 || p.Asked != 20 {
			t.Errorf("%v, %+v", err, p)
		}
		for offset, n := range r.count {
			if n > 2 && offset < 7 || n != 2 && offset >= 7 {
				t.Errorf("offset %d was handed over %d times", offset, n)
			}
		}
		if n.noted != nil {
			t.Errorf("%v is noted", n.noted)
		}
		n.noted = []consumer.OffsetChange{{Topic: "t", Offset: 9}}
		if b, err = start(backfill.Options{Anew: true}); err != nil || b.Progress().Resumed {
			t.Errorf("anew: %v, %+v", err, b.Progress())
		}
		l.gone = 4
		if b, err = start(backfill.Options{}); err != nil || b.Progress().Gone != 8 || r.count[4] != 6 {
			t.Errorf("%v, %+v, %v", err, b.Progress(), r.count)
		}
	})
}

// While the bridge is behind nothing is handed over. A partition that it has never read does not count.
func TestLiveTrafficComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := &keptLog{lag: 101}, &handedOver{count: map[int64]int{}}
		b, err := backfill.New(t.Context(), l, &backfillNotes{}, backfill.Options{LiveLag: 100}, canarytest.Logger(t))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- b.Consume(t.Context(), r.handle) }()
		time.Sleep(time.Minute)
		if p := b.Progress(); len(r.count) > 0 || p.Behind != 101 {
			t.Errorf("%v were handed over, behind %d", r.count, p.Behind)
		}
		l.mu.Lock()
		l.lag = 100
		l.mu.Unlock()
		if err := <-ended; err != nil || len(r.count) != 10 || b.Progress().Behind != 0 {
			t.Errorf("%v, %v", err, r.count)
		}

		l.lag = 101
		b, err = backfill.New(t.Context(), l, &backfillNotes{}, backfill.Options{LiveLag: 100}, canarytest.Logger(t))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.Consume(ctx, r.handle); !errors.Is(err, bounded.ErrUnfinished) {
			t.Errorf("stopped while it waits: %v", err)
		}
	})
}

// stepsOfRules make of every message a call of each step and a failure of each rule.
type stepsOfRules struct {
	steps  []*event.Step
	failed []string
	at     time.Time
}

func (r stepsOfRules) Map(*event.Message) (calls []event.Call, failures []event.Failure) {
	for _, s := range r.steps {
		calls = append(calls, event.Call{ID: event.ID(ulid.MustNew(ulid.Timestamp(r.at), nil)), Step: s})
	}
	for _, name := range r.failed {
		failures = append(failures, event.Failure{Rule: name, Reason: event.ReasonMissingField, Field: "person"})
	}
	return calls, failures
}

// Of what the rules make only what is asked for is sent, and the rest is counted. Old events start no campaign.
func TestWhatABackfillSends(t *testing.T) {
	identify := &event.Step{Rule: "a", Action: "identify"}
	track := &event.Step{Rule: "a", Action: "track", Repeatable: true}
	other := &event.Step{Rule: "b", Action: "track", Repeatable: true}
	remove := &event.Step{Rule: "a", Action: "delete"}
	mail := &event.Step{Rule: "a", Action: "send_email", Once: true}
	made := stepsOfRules{[]*event.Step{identify, track, other, remove, mail}, []string{"a", "b", ""}, time.Now()}
	all := func(o backfill.Options, made stepsOfRules) (backfill.Tally, []string) {
		b, err := backfill.New(t.Context(), &keptLog{}, &backfillNotes{}, o, canarytest.Logger(t))
		if err != nil {
			t.Fatal(err)
		}
		calls, _ := b.Mapper(made).Map(&event.Message{})
		var actions []string
		for _, c := range calls {
			actions = append(actions, c.Step.Action)
		}
		return b.Progress().Tally, actions
	}
	got, sent := all(backfill.Options{Rules: []string{"a"}, Skip: []string{"delete"}}, made)
	if !slices.Equal(sent, []string{"identify", "track"}) || got.Destructive != 1 || got.Once != 1 ||
		got.Failures != 1 || got.Unreadable != 1 || got.Triggering != 1 || got.TooOld != 0 {
		t.Errorf("%v, %+v", sent, got)
	}
	made.at = time.Now().Add(-73 * time.Hour)
	got, sent = all(backfill.Options{IncludeOnce: true}, made)
	if len(sent) != 5 || got.Failures != 3 || got.TooOld != 2 || got.Triggering != 0 || len(got.ByRule) != 3 {
		t.Errorf("%v, %+v", sent, got)
	}
	if got, _ = all(backfill.Options{}, stepsOfRules{}); got.Unwanted != 1 {
		t.Errorf("%+v", got)
	}
	b, err := backfill.New(t.Context(), &keptLog{gone: 2}, &backfillNotes{}, backfill.Options{}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.DryRun(t.Context(), made, nil); err != nil || b.Progress().Messages != 16 || b.Progress().Gone != 4 {
		t.Errorf("dry run: %v, %+v", err, b.Progress())
	}
}
