package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// world is what outlives a bridge that is killed: the log, what the bridge has told the source, and what each
// person has seen.
type world struct {
	rand  *rand.Rand
	calls map[event.Origin][]event.Call
	log   [][]event.Message // by partition

	mu      sync.Mutex
	alive   bool
	loose   bool // calls of one lane that share a request are settled in any order
	done    map[event.Origin]bool
	places  map[string][]string  // by partition and lane, the bodies of its calls in the order of the log
	seen    map[string]int       // by partition and lane, how far it has seen its calls
	settled map[string]time.Time // by body, when this bridge has settled a call
	late    map[string]bool      // calls that this bridge has settled after one behind them
	last    map[string]int       // by partition and lane, the last place that this bridge has settled
	fresh   map[string]bool      // it has seen one since the bridge began
	wrong   []string
	kills   int
	skipped int // done messages that stood behind others
}

const worldLanes = 8

func newWorld(r *rand.Rand) *world {
	w := &world{
		rand: r, calls: map[event.Origin][]event.Call{}, done: map[event.Origin]bool{},
		places: map[string][]string{}, seen: map[string]int{},
	}
	for partition := range 2 {
		var log []event.Message
		for offset := range 40 {
			m := event.Message{Origin: event.Origin{Topic: "t", Partition: int32(partition), Offset: int64(offset)},
				Value: []byte("v")}
			for n := range []int{0, 1, 1, 1, 2, 3, 4}[r.IntN(7)] {
				c := event.Call{Step: []*event.Step{identifyStep, trackStep}[r.IntN(2)],
					Body: fmt.Appendf(nil, "%s#%d", m.Origin, n)}
				if r.IntN(12) == 0 {
					c.Body = append(c.Body, " refused"...)
				}
				for _, l := range r.Perm(worldLanes)[:1+r.IntN(4)/3] {
					c.Lanes = append(c.Lanes, event.Lane(1000+l))
					key := laneOf(m.Origin, c.Lanes[len(c.Lanes)-1])
					w.places[key] = append(w.places[key], string(c.Body))
				}
				w.calls[m.Origin] = append(w.calls[m.Origin], c)
			}
			log = append(log, m)
		}
		w.log = append(w.log, log)
	}
	return w
}

func laneOf(o event.Origin, l event.Lane) string { return fmt.Sprintf("%d/%d", o.Partition, l) }

// Map gives copies, because a bridge makes its calls unusable when they are done.
func (w *world) Map(m *event.Message) ([]event.Call, []event.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := slices.Clone(w.calls[m.Origin])
	if len(calls) == 0 || m.Origin.Offset%9 == 0 {
		return calls, []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonMissingField, Rule: "s"}}
	}
	return calls, nil
}

// Send settles calls at random. Those of one lane are settled in the order of the request.
func (w *world) Send(_ context.Context, calls []event.Call) []event.Outcome {
	w.mu.Lock()
	latency := time.Duration(w.rand.IntN(50)) * time.Millisecond
	w.mu.Unlock()
	time.Sleep(latency)
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]event.Outcome, len(calls))
	open := map[event.Lane]bool{}
	for i, c := range calls {
		stays := w.rand.IntN(3) == 0
		for _, l := range c.Lanes {
			stays = stays || open[l] && !w.loose
		}
		if stays {
			out[i] = event.Outcome{NotBefore: time.Now().Add(time.Duration(w.rand.IntN(400)) * time.Millisecond),
				Failure: &event.Failure{Stage: event.StageDelivery}}
			for _, l := range c.Lanes {
				open[l] = true
			}
			continue
		}
		out[i].Result = event.Delivered
		if strings.HasSuffix(string(c.Body), "refused") {
			out[i] = event.Outcome{Result: event.Refused,
				Failure: &event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused}}
		}
		w.see(c)
	}
	return out
}

// see notes that the persons of a call see it. Each sees its calls one after the other; a bridge that begins may
// fall back to an earlier one, and never leaves one out.
func (w *world) see(c event.Call) {
	if !w.alive {
		return
	}
	partition, _ := strconv.Atoi(strings.TrimPrefix(strings.SplitN(string(c.Body), "@", 2)[0], "t/"))
	for _, l := range c.Lanes {
		key := laneOf(event.Origin{Partition: int32(partition)}, l)
		place, next := slices.Index(w.places[key], string(c.Body)), w.seen[key]
		if !w.loose && place != next && (place > next || w.fresh[key]) {
			w.wrong = append(w.wrong, fmt.Sprintf("%s sees call %d (%s) where %d is next", key, place, c.Body, next))
		}
		w.late[string(c.Body)] = w.late[string(c.Body)] || place < w.last[key]
		w.seen[key], w.fresh[key], w.last[key] = place+1, true, max(place, w.last[key])
	}
	w.settled[string(c.Body)] = time.Now()
}

// Put stores letters after a while.
func (w *world) Put(context.Context, ...event.FailedMessage) error {
	time.Sleep(30 * time.Millisecond)
	return nil
}

// Consume hands over what is not done, until the bridge is killed.
func (w *world) Consume(ctx context.Context, handle event.Handler) error {
	var partitions sync.WaitGroup
	var leases []*lease.Lease
	for _, log := range w.log {
		l := newTestLease()
		leases = append(leases, l)
		var rest []event.Message
		w.mu.Lock()
		for _, m := range log {
			if !w.done[m.Origin] {
				rest = append(rest, m)
			} else if len(rest) > 0 {
				w.skipped++
			}
		}
		w.mu.Unlock()
		partitions.Go(func() {
			for _, m := range rest {
				if handle(l, &m, func() { w.tell(m.Origin) }) != nil {
					return
				}
			}
		})
	}
	<-ctx.Done()
	for _, l := range leases {
		l.End(time.Minute)
	}
	partitions.Wait()
	return nil
}

func (w *world) tell(o event.Origin) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.alive {
		return
	}
	w.done[o] = true
	for _, m := range w.log[o.Partition][:o.Offset] {
		if !w.done[m.Origin] && w.passed(m.Origin, o) {
			w.wrong = append(w.wrong, fmt.Sprintf("%s is told, and %s before it is not", o, m.Origin))
		}
	}
}

// passed reports whether a message has left a lane before another, of which no call was late, had one settled in it.
func (w *world) passed(earlier, later event.Origin) bool {
	left := map[event.Lane]time.Time{} // when the earlier one left its lanes
	for _, c := range w.calls[earlier] {
		for _, l := range c.Lanes {
			at, settled := w.settled[string(c.Body)]
			if !settled {
				at = time.Now()
			}
			if at.After(left[l]) {
				left[l] = at
			}
		}
	}
	shared := false
	for _, c := range w.calls[later] {
		for _, l := range c.Lanes {
			at, ok := left[l]
			shared = shared || ok && at.Before(w.settled[string(c.Body)])
		}
		if w.late[string(c.Body)] {
			return false
		}
	}
	return shared
}

// live runs a bridge until it is killed, or until nothing is left to do.
func (w *world) live(t time.Duration) (left int) {
	w.fresh, w.settled, w.alive = map[string]bool{}, map[string]time.Time{}, true
	w.late, w.last = map[string]bool{}, map[string]int{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	c := quiet()
	c.Senders, c.Linger = 3, 20*time.Millisecond
	p := New(c, Stages{Source: w, Mapper: w, Sender: w, DeadLetters: w}, zap.NewNop(), prometheus.NewRegistry())
	go func() { ended <- p.Run(ctx) }()
	time.Sleep(t)
	synctest.Wait()
	w.mu.Lock()
	w.alive = false
	for _, log := range w.log {
		for _, m := range log {
			if !w.done[m.Origin] {
				left++
			}
		}
	}
	w.mu.Unlock()
	cancel()
	<-ended
	if p.Stats().Lanes > 0 && len(w.wrong) == 0 {
		w.wrong = append(w.wrong, fmt.Sprintf("%d lanes are left", p.Stats().Lanes))
	}
	return left
}

// TestOrderSurvivesKills: whatever is skipped after a kill because it was done, each person sees an order that the
// log allows.
func TestOrderSurvivesKills(t *testing.T) {
	kills, skipped := 0, 0
	for seed := range longtest.Either(uint64(6), 150) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 9)))
			for range 20 {
				if w.live(time.Duration(50+w.rand.IntN(1000))*time.Millisecond) > 0 {
					w.kills++
				}
			}
			if left := w.live(time.Hour); left > 0 {
				t.Errorf("seed %d: %d messages are never done", seed, left)
			}
			for _, wrong := range w.wrong {
				t.Errorf("seed %d: %s", seed, wrong)
			}
			for key, places := range w.places {
				if w.seen[key] != len(places) {
					t.Errorf("seed %d: %s has seen %d of %d calls", seed, key, w.seen[key], len(places))
				}
			}
			kills, skipped = kills+w.kills, skipped+w.skipped
		})
		if t.Failed() {
			return
		}
	}
	if least := longtest.Either(12, 120); kills < least || skipped < least {
		t.Errorf("only %d kills, and %d messages that were done behind others", kills, skipped)
	}
	t.Logf("%d kills, %d messages that were done behind others", kills, skipped)
}

// TestNobodyWaitsInACircle: calls of a person that share a request may come back settled and open in any order, and
// every message is done all the same.
func TestNobodyWaitsInACircle(t *testing.T) {
	for seed := range longtest.Either(uint64(6), 150) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 10)))
			w.loose = true
			if left := w.live(time.Hour); left > 0 || len(w.wrong) > 0 {
				t.Errorf("seed %d: %d messages are never done; %v", seed, left, w.wrong)
			}
		})
	}
}
