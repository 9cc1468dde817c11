package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/internal/memlogtest"
	"github.com/ciobridge/ciobridge/pipeline/batch"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
)

// rig is a pipeline between fakes.
type rig struct {
	source   *memlogtest.Log
	dest     *fakeCustomerIO
	letters  *letterbox
	messages [][]event.Message
	history  checkertest.History
	config   Config
	recorder Recorder
	p        *Pipeline
}

func newRig(seed uint64, partitions, persons, events int, kinds ...string) *rig {
	r := rand.New(rand.NewPCG(seed, 1))
	messages, history := traffic(r, partitions, persons, events, kinds)
	c := DefaultConfig(testLimits)
	c.StopShare = 0
	return &rig{
		source: memlogtest.New(messages), messages: messages, history: history, config: c, letters: &letterbox{},
		dest: &fakeCustomerIO{rand: r, latency: 100 * time.Millisecond, troubles: map[string]int{},
			inFlight: map[string]int{}},
	}
}

// run drives the pipeline until everything is settled, doing what chaos says meanwhile.
func (r *rig) run(t *testing.T, limit time.Duration, chaos func(stop <-chan struct{})) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.p = New(r.config, Stages{Source: r.source, Mapper: mapper{}, Sender: r.dest, DeadLetters: r.letters,
		Destinations: []Destination{
			r.config.Batch(), {Senders: 16, Calls: 1000, Bytes: 500_000}, {Senders: 2, Calls: 1}},
		Recorder: r.recorder, Recycle: mapper{}.Recycle}, canarytest.Logger(t), canarytest.Registry(t))
	ended := make(chan error, 1)
	go func() { ended <- r.p.Run(ctx) }()
	stop := make(chan struct{})
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		if chaos != nil {
			chaos(stop)
		}
	}()
	for end := time.Now().Add(limit); !r.source.Settled(); {
		if time.Now().After(end) {
			t.Errorf("not settled after %s: floors %v, %+v", limit, r.source.Floors(), r.p.Stats())
			break
		}
		time.Sleep(max(50*time.Millisecond, limit/100_000))
	}
	close(stop)
	<-quiet
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

// check judges what happened.
func (r *rig) check(t *testing.T, l checkertest.Limits) checkertest.Report {
	t.Helper()
	h := r.history
	h.Receipts = r.dest.receipts
	seen := map[string]bool{}
	for _, letter := range r.letters.letters {
		f := strings.Fields(string(letter.Message.Value))
		seq, _ := strconv.Atoi(f[1])
		if seen[string(letter.Message.Value)] {
			continue
		}
		seen[string(letter.Message.Value)] = true
		h.DeadLetters = append(h.DeadLetters, checkertest.Settled{Person: f[0], Seq: seq})
	}
	report := checkertest.Check(h, l)
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	if r.dest.overlaps > 0 {
		t.Errorf("%d times a person had two requests on the wire", r.dest.overlaps)
	}
	return report
}

func TestEveryEventArrivesOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(1, 4, 50, 5000, "track", "identify", "email", "single", "skip", "app", "segment")
		r.run(t, time.Hour, nil)
		report := r.check(t, checkertest.Limits{})
		if report.Repeats != 0 {
			t.Errorf("%d repeats on a quiet day", report.Repeats)
		}
	})
}

// seeds is how many schedules are tried: a few by default, CIOBRIDGE_SEEDS when that is set.
func seeds(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("CIOBRIDGE_SEEDS")
	if text == "" {
		return longtest.Either(uint64(6), 20)
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("CIOBRIDGE_SEEDS: %v", err)
	}
	return n
}

// TestRandomSchedules is the central property: whatever fails, per person the accepted calls are the published ones
// in order.
func TestRandomSchedules(t *testing.T) {
	faults := map[string]int{}
	rebalances := 0
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(seed, 1+int(seed%5), 20, longtest.Either(600, 1_500), "track", "track", "identify", "email",
					"single", "skip", "app", "segment", "refused", "unmappable")
				r.dest.trouble = 0.3
				r.source.DrainLimit = time.Second
				r.letters.fail = func(time.Time) bool { return rand.Float64() < 0.3 }
				if seed%3 == 0 {
					r.config.Memory = 20_000
				}
				if seed%4 == 0 {
					r.config.BatchItems = 7
				}
				r.run(t, 24*time.Hour, func(stop <-chan struct{}) {
					for {
						select {
						case <-stop:
							return
						case <-time.After(rand.N(20 * time.Second)):
						}
						if !r.source.Rebalance(stop) {
							return
						}
						rebalances++
					}
				})
				r.check(t, checkertest.Limits{Fallbacks: true, Repeats: -1})
				for k, n := range r.dest.troubles {
					faults[k] += n
				}
				faults["letters down"] += r.letters.failed
			})
		})
	}
	for _, kind := range []string{"unanswered", "status 500", "status 400", "status 429", "letters down"} {
		if faults[kind] == 0 {
			t.Errorf("the fault %q never happened", kind)
		}
	}
	if rebalances == 0 {
		t.Error("no rebalance happened")
	}
}

func TestStopUnderLoadLeavesNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(3, 3, 200, 20000, "track", "identify")
		stops := 0
		r.run(t, time.Hour, func(stop <-chan struct{}) {
			for range 5 {
				time.Sleep(150 * time.Millisecond)
				if !r.source.Rebalance(stop) {
					return
				}
				stops++
			}
		})
		report := r.check(t, checkertest.Limits{})
		if stops == 0 || report.Repeats != 0 {
			t.Errorf("%d stops, %d repeats", stops, report.Repeats)
		}
	})
}

func TestOutageHoldsEverythingInBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(4, 4, 500, longtest.Either(3_000, 30_000), "track", "identify")
		r.config.Memory = 1 << 20
		start := time.Now()
		r.dest.down = func(now time.Time) bool {
			return now.Sub(start) > time.Second/2 &&
				now.Sub(start) < 24*time.Hour
		}
		var most int64
		r.run(t, 30*time.Hour, func(stop <-chan struct{}) {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Minute):
				}
				most = max(most, r.p.Stats().Reserved)
			}
		})
		r.check(t, checkertest.Limits{})
		if r.dest.troubles["outage"] == 0 {
			t.Error("there was no outage")
		}
		if most > r.config.Memory {
			t.Errorf("%d bytes reserved, %d allowed", most, r.config.Memory)
		}
		if len(r.letters.letters) > 0 {
			t.Errorf("%d dead letters from an outage", len(r.letters.letters))
		}
	})
}

func TestPoisonIsIsolated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(5, 2, 100, 4000, "track")
		bad := string(r.messages[0][100].Value)
		r.dest.poison = func(c event.Call) bool { return string(c.Body) == bad }
		r.run(t, 3*time.Hour, func(stop <-chan struct{}) { r.keepBusy(stop) })
		if len(r.letters.letters) != 1 || string(r.letters.letters[0].Message.Value) != bad {
			t.Fatalf("dead letters: %d", len(r.letters.letters))
		}
		f := r.letters.letters[0].Failures[0]
		if f.Reason != event.ReasonPoison || f.Attempts < batch.PoisonAttempts || f.Status != 500 {
			t.Errorf("got %+v", f)
		}
		if r.dest.troubles["poison"] < batch.PoisonAttempts {
			t.Error("the poison was hardly tried")
		}
		r.check(t, checkertest.Limits{})
	})
}

// keepBusy brings traffic of another person, so that Customer.io goes on accepting calls.
func (r *rig) keepBusy(stop <-chan struct{}) {
	l := newTestLease()
	for seq := 1; ; seq++ {
		select {
		case <-stop:
			l.End(time.Minute)
			return
		case <-time.After(10 * time.Second):
		}
		done := make(chan struct{})
		m := event.Message{Origin: event.Origin{Topic: "other", Offset: int64(seq)},
			Value: fmt.Appendf(nil, "busy %d track", seq)}
		if err := r.p.handle(l, &m, func() { close(done) }); err != nil {
			panic(err)
		}
		<-done
		r.history.Published = append(r.history.Published, checkertest.Published{Person: "busy", Seq: seq})
	}
}

// Calls that are settled by what is known of them do not show that the destination takes others.
func TestWhatIsUnheardMakesNoPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(8, 2, 4, 8, "track")
		start, disturbed := time.Now(), longtest.Either(10*time.Minute, time.Hour)
		busy := func(c event.Call) bool { return strings.HasPrefix(string(c.Body), "busy ") }
		r.dest.known = busy
		r.dest.poison = func(event.Call) bool { return time.Since(start) < disturbed }
		r.run(t, 2*disturbed, func(stop <-chan struct{}) { r.keepBusy(stop) })
		if n := len(r.letters.letters); n > 0 || r.dest.troubles["poison"] == 0 {
			t.Errorf("%d dead letters from %d failures of an outage", n, r.dest.troubles["poison"])
		}
		r.check(t, checkertest.Limits{})
	})
}

func TestShardOutageIsNoPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(6, 2, 400, longtest.Either(2_000, 8_000), "track")
		start, disturbed := time.Now(), longtest.Either(time.Hour, 5*time.Hour)
		r.dest.poison = func(c event.Call) bool { // every person whose number ends in 7
			person := strings.Fields(string(c.Body))[0]
			return strings.HasSuffix(person, "7") && time.Since(start) < disturbed
		}
		r.run(t, 2*disturbed, func(stop <-chan struct{}) { r.keepBusy(stop) })
		if r.dest.troubles["poison"] == 0 {
			t.Error("the shard was never down")
		}
		if n := len(r.letters.letters); n > 0 {
			t.Errorf("%d dead letters from an outage", n)
		}
		r.check(t, checkertest.Limits{})
	})
}

func TestOneRefusedBatchIsSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(7, 1, 500, 500, "identify")
		r.config.Linger = time.Second
		bad := string(r.messages[0][250].Value)
		sender := &splitter{fakeCustomerIO: r.dest, bad: bad}
		ctx, cancel := context.WithCancel(context.Background())
		p := New(r.config, Stages{Source: r.source, Mapper: mapper{}, Sender: sender, DeadLetters: r.letters,
			Recycle: mapper{}.Recycle}, canarytest.Logger(t), canarytest.Registry(t))
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		<-ended
		if len(r.letters.letters) != 1 || string(r.letters.letters[0].Message.Value) != bad {
			t.Fatalf("dead letters: %v", r.letters.letters)
		}
		if sender.whole == 0 || sender.whole+r.dest.requests > 40 {
			t.Errorf("%d refused and %d good requests", sender.whole, r.dest.requests)
		}
		r.check(t, checkertest.Limits{})
	})
}

// splitter refuses every request with the bad call in it as a whole.
type splitter struct {
	*fakeCustomerIO
	bad   string
	whole int
}

func (s *splitter) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	for _, c := range calls {
		if string(c.Body) != s.bad {
			continue
		}
		out := make([]event.Outcome, len(calls))
		f := &event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused, Status: 400}
		if len(calls) == 1 {
			out[0] = event.Outcome{Result: event.Refused, Failure: f}
			return out
		}
		s.mu.Lock()
		s.whole++
		s.mu.Unlock()
		for i := range out {
			out[i] = event.Outcome{Failure: f, Suspect: true, AtFault: true}
		}
		return out
	}
	return s.fakeCustomerIO.Send(ctx, calls)
}

func TestFlowStopsWhenARuleBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(8, 1, 50, 2000, "unmappable", "unmappable", "unmappable", "track")
		r.config.StopShare = 0.5
		ctx, cancel := context.WithCancel(context.Background())
		p := New(r.config, Stages{Source: r.source, Mapper: mapper{}, Sender: r.dest, DeadLetters: r.letters,
			Recycle: mapper{}.Recycle}, canarytest.Logger(t), canarytest.Registry(t))
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.letters.letters); n == 0 || n > breaker.LeastResults {
			t.Errorf("%d dead letters before the flow stopped", n)
		}
		if !p.Stats().Stopped {
			t.Error("the flow has not stopped")
		}
		cancel()
		<-ended
	})
}

func TestRequestsAreFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := longtest.Either(5_000, 20_000)
		r := newRig(9, 4, 1<<30, n, "track", "identify") // nobody waits behind another call of the same person
		r.run(t, time.Hour, nil)
		r.check(t, checkertest.Limits{})
		if r.dest.requests > n/500+8 {
			t.Errorf("%d requests for %d calls of as many persons", r.dest.requests, n)
		}
	})
}

func TestHotPersonTravelsInRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(10, 1, 1, 5000, "track")
		r.run(t, time.Hour, nil)
		r.check(t, checkertest.Limits{})
		if r.dest.requests > 5000/500+2 {
			t.Errorf("%d requests for 5000 events of one person", r.dest.requests)
		}
	})
}

func TestValidate(t *testing.T) {
	if err := DefaultConfig(testLimits).Validate(); err != nil {
		t.Error(err)
	}
	err := Config{Order: "none", StopShare: 2, Linger: -1}.Validate()
	for _, field := range []string{"senders", "batch_items", "batch_bytes", "linger", "order", "memory", "stop_share"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("no word of %s in %v", field, err)
		}
	}
}
