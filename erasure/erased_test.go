package erasure_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	letterfile "github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/memlogtest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/secret"
)

const (
	key  = "0123456789abcdef0123456789abcdef"
	skew = time.Minute
)

const rulesText = `
rules:
  - name: profile
    event: profile
    time: .at
    do: [{identify: {person: {id: .user}, attributes: {email: .mail, num: .num}}}]
  - name: seen
    event: seen
    time: .at
    do: [{track: {person: {id: .user}, name: seen, data: {num: .num}}}]
  - name: opened
    event: opened
    time: .at
    do: [{track: {person: {email: .mail}, name: opened, data: {num: .num}}}]
  - name: gone
    event: gone
    time: .at
    do: [{delete: {person: [{id: .user}, {email: .mail}]}}]
  - name: back
    event: back
    time: .at
    revive: true
    do: [{identify: {person: {id: .user}, attributes: {email: .mail, num: .num}}}]
`

// memory is a log of fences that bridges share. Now and then it fails, and a write takes a while.
type memory struct {
	mu      sync.Mutex
	records []erasure.Record
	random  *rand.Rand
	failing float64
}

func (m *memory) seconds(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.random.IntN(n)
}

func (m *memory) chance(p float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return p > 0 && m.random.Float64() < p
}

// view is the log as one bridge reads it.
type view struct {
	*memory
	read int
}

var errMemory = errors.New("the log of fences fails")

func (v *view) Check(context.Context) error { return nil }

func (v *view) Read(_ context.Context, each func(erasure.Record)) error {
	if v.chance(v.failing) {
		return errMemory
	}
	v.mu.Lock()
	fresh := v.records[v.read:]
	v.read = len(v.records)
	v.mu.Unlock()
	for _, r := range fresh {
		each(r)
	}
	return nil
}

func (v *view) Write(_ context.Context, records ...erasure.Record) error {
	time.Sleep(20 * time.Millisecond)
	stored := !v.chance(v.failing)
	store := func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.records = append(v.records, records...)
	}
	switch {
	case stored:
		store()
		return nil
	case v.chance(0.3):
		store()
	case v.chance(0.5): // it comes much later, as where replicas of a topic lag
		time.AfterFunc(time.Duration(v.seconds(25))*time.Second, store)
	}
	return errMemory
}

// told is an event as it is published.
type told struct {
	Type string    `json:"type"`
	User string    `json:"user"`
	Mail string    `json:"mail"`
	N    int       `json:"num"`
	At   time.Time `json:"at"`

	origin event.Origin
}

// world is what all bridges of a run share.
type world struct {
	t        *testing.T
	random   *rand.Rand
	server   *emulator.Server
	fences   *memory
	letters  *letterfile.Store
	rules    *mapping.Rules
	customer customerio.Config
	events   []told
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	file, err := rulefile.Parse("rules.yaml", []byte(rulesText))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete"}, About: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := &world{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), rules: rules,
		server:   emulator.New(emulator.Options{Seed: seed}),
		fences:   &memory{random: rand.New(rand.NewPCG(seed, 2)), failing: 0.02},
		letters:  letterfile.New(deadletter.Config{File: filepath.Join(dir, "dead.jsonl")}, "hash"),
		customer: customerio.DefaultConfig(),
	}
	c := &w.customer
	c.Region, c.SiteIDFile, c.APIKeyFile = customerio.US, filepath.Join(dir, "site"), filepath.Join(dir, "key")
	c.AppKeyFile = filepath.Join(dir, "app")
	for path, text := range map[string]string{
		c.SiteIDFile: emulator.DefaultSiteID, c.APIKeyFile: emulator.DefaultAPIKey,
		c.AppKeyFile: emulator.DefaultAppKey,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// publish makes the events of some persons, each of whom is deleted at most once, and what the topics hold of them.
func (w *world) publish(persons, events int) (topics map[string][][]event.Message) {
	topics = map[string][][]event.Message{"a": make([][]event.Message, 2), "b": make([][]event.Message, 1)}
	at := time.Now().Add(-24 * time.Hour)
	deleted := map[int]bool{}
	for n := range events {
		at = at.Add(time.Duration(w.random.IntN(90)) * time.Second)
		p := w.random.IntN(persons)
		e := told{User: fmt.Sprintf("canary%d", p), Mail: fmt.Sprintf("canary%d@example.com", p), N: n, At: at.UTC()}
		switch kind := w.random.IntN(12); {
		case p%2 == 1 && !deleted[p] && n > events/3 && kind < 4:
			e.Type, deleted[p] = "gone", true
		case deleted[p] && p%4 == 1 && kind < 3:
			e.Type = "back"
		default:
			e.Type = []string{"profile", "seen", "opened"}[kind%3]
		}
		topic := []string{"a", "b"}[w.random.IntN(2)]
		partition := p % len(topics[topic])
		log := &topics[topic][partition]
		e.origin = event.Origin{Topic: topic, Partition: int32(partition), Offset: int64(len(*log))}
		value, err := json.Marshal(e)
		if err != nil {
			w.t.Fatal(err)
		}
		*log = append(*log, event.Message{Origin: e.origin, Value: value, Time: e.At})
		w.events = append(w.events, e)
	}
	return topics
}

// run runs a bridge over a source, as a process of its own does.
func (w *world) run(ctx context.Context, s pipeline.Source, m pipeline.Mapper, dead pipeline.DeadLetters) {
	client, err := customerio.NewClient(w.customer, 4, w.server.Transport())
	if err != nil {
		w.t.Error(err)
		return
	}
	defer client.Close()
	reg := canarytest.Registry(w.t)
	next := delivery.New([]delivery.Workspace{{Client: client, Config: w.customer}}, canarytest.Logger(w.t), reg)
	fences := erasure.NewFences(&view{memory: w.fences}, erasure.NewDigester(secret.New(key)))
	for fences.Open(ctx) != nil {
		time.Sleep(time.Second)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { fences.Watch(watching, func(error) {}) })
	c := pipeline.DefaultConfig(pipeline.Limits{
		Calls: customerio.MaxBatchItems, Bytes: customerio.MaxBatchBytes, Envelope: customerio.BatchEnvelope,
	})
	c.StopShare = 0
	sender := erasure.NewSender(fences, next, erasure.Options{Settle: 20 * time.Second, Skew: skew},
		canarytest.Logger(w.t), reg)
	next.Before(func(_ context.Context, calls []event.Call) bool { return sender.Stands(calls) })
	p := pipeline.New(c, pipeline.Stages{Source: s, Mapper: m, Sender: sender, DeadLetters: dead},
		canarytest.Logger(w.t), reg)
	if err := p.Run(ctx); err != nil {
		w.t.Error(err)
	}
	stop()
	watch.Wait()
}

// replay sends the open letters again, deletes among them.
func (w *world) replay(ctx context.Context) replay.Progress {
	r, err := replay.New(w.letters, w.rules, replay.Options{Filter: deadletter.Filter{All: true}},
		canarytest.Logger(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(ctx, r, r.Mapper(), r.DeadLetters())
	return r.Progress()
}

// trouble makes Customer.io fail and replicas lose their partitions until stop is closed.
func (w *world) trouble(stop <-chan struct{}, logs []*memlogtest.Log) {
	for {
		faults := []emulator.Fault{
			{Name: "f", Status: 503, Times: 2}, {Name: "f", Reset: true, Times: 1},
			{Name: "f", Status: 503, RetryAfter: "60", Times: 1}, // which holds the requests of one bridge alone
			{Name: "f", Reset: true, Applied: true, Times: 1}, {Name: "f", Latency: 9 * time.Second, Times: 3},
			{Name: "f", Refuse: "no", Person: fmt.Sprintf("id:canary%d", w.random.IntN(6)), Times: 1},
			{Name: "f", Refuse: "no", Person: fmt.Sprintf("email:canary%d@*", w.random.IntN(6)), Times: 1},
			{Name: "f", Hang: "headers", Times: 1},
		}
		if _, err := w.server.AddFault(faults[w.random.IntN(len(faults))]); err != nil {
			w.t.Error(err)
		}
		if w.random.IntN(3) == 0 {
			logs[w.random.IntN(len(logs))].Rebalance(stop)
		}
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(w.random.IntN(4000)) * time.Millisecond):
		}
	}
}

// TestErasedStaysErased is the central property. Whatever fails, and however events, retries, redeliveries and replays
// of letters interleave over two bridges and a replay beside them: once a delete was accepted, no call of an earlier
// event of that person arrives, and of a later one only after an event that revives. No call of others is held.
func TestErasedStaysErased(t *testing.T) {
	tries := uint64(8)
	if text := os.Getenv("CIOBRIDGE_SEEDS"); text != "" {
		tries, _ = strconv.ParseUint(text, 10, 32)
	}
	var sum tally
	for seed := range tries {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed)
			w.live(w.publish(6, 60))
			sum = sum.plus(w.judge(seed))
		})
	}
	t.Logf("%+v", sum)
	if sum.deletes == 0 || sum.withheld == 0 || sum.revived == 0 || sum.letters == 0 {
		t.Errorf("what is to be shown did not happen: %+v", sum)
	}
}

// live runs all until everything is settled and no letter is open.
func (w *world) live(topics map[string][][]event.Message) {
	ctx, cancel := context.WithCancel(context.Background())
	var bridges sync.WaitGroup
	var logs []*memlogtest.Log
	for i, topic := range []string{"a", "b"} {
		log := memlogtest.New(topics[topic])
		logs = append(logs, log)
		bridges.Go(func() {
			time.Sleep(time.Duration(i+1) * 300 * time.Millisecond)
			w.run(ctx, log, w.rules, w.letters)
		})
	}
	stop := make(chan struct{})
	var troubles sync.WaitGroup
	troubles.Go(func() { w.trouble(stop, logs) })
	time.Sleep(10 * time.Second)
	w.replay(ctx) // beside the bridges
	for end := time.Now().Add(time.Hour); !logs[0].Settled() || !logs[1].Settled(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			w.t.Errorf("not settled: %v %v", logs[0].Floors(), logs[1].Floors())
			break
		}
	}
	close(stop)
	troubles.Wait()
	w.server.ClearFaults()
	cancel()
	bridges.Wait()
	for range 5 {
		if w.replay(context.Background()).Open == 0 {
			return
		}
	}
	w.t.Error("letters stay open")
}

// tally counts what happened.
type tally struct{ deletes, withheld, revived, letters int }

func (s tally) plus(o tally) tally {
	return tally{s.deletes + o.deletes, s.withheld + o.withheld, s.revived + o.revived, s.letters + o.letters}
}

// before is what the documents say that earlier means.
func before(e, deletion told) bool {
	if e.origin.Topic == deletion.origin.Topic && e.origin.Partition == deletion.origin.Partition {
		return e.origin.Offset < deletion.origin.Offset
	}
	return !e.At.After(deletion.At.Add(skew))
}

// judge looks at what arrived.
func (w *world) judge(seed uint64) (sum tally) {
	deletion, gone, back := map[string]told{}, map[string]bool{}, map[string]bool{}
	for _, e := range w.events {
		switch d, erased := deletion[e.User]; {
		case e.Type == "gone":
			deletion[e.User] = e
		case e.Type == "back" && erased && !before(e, d):
			back[e.User] = true // the fence is lifted before the call is sent, so that others may come first
		}
	}
	arrived := make([]bool, len(w.events))
	for _, r := range w.server.Receipts(0) {
		var body struct {
			Attributes struct {
				N *int `json:"num"`
			} `json:"attributes"`
		}
		if len(r.Body) == 0 {
			continue // a request that met a fault
		}
		if err := json.Unmarshal(r.Body, &body); err != nil {
			w.t.Fatal(err)
		}
		if r.Action == "delete" {
			if user := r.Person[len("id:"):]; r.Taken {
				gone[user] = true
				sum.deletes++
			}
			continue
		}
		if body.Attributes.N == nil {
			w.t.Fatalf("seed %d: a receipt of nothing known: %s", seed, r.Body)
		}
		e := w.events[*body.Attributes.N]
		d, erased := deletion[e.User]
		switch {
		case !gone[e.User]:
		case erased && before(e, d):
			w.t.Errorf("seed %d: #%d %s of %s arrives after the delete #%d", seed, e.N, e.Type, e.User, d.N)
		case !back[e.User]:
			w.t.Errorf("seed %d: #%d %s of %s arrives, whom nothing revived", seed, e.N, e.Type, e.User)
		}
		arrived[e.N] = arrived[e.N] || r.Taken
	}
	revived := map[string]told{}
	for _, e := range w.events {
		d, erased := deletion[e.User]
		r, again := revived[e.User+e.origin.Topic]
		switch {
		case e.Type == "gone" && !gone[e.User]:
			w.t.Errorf("seed %d: %s was never deleted", seed, e.User)
		case e.Type == "gone":
		case arrived[e.N]:
			if erased && !before(e, d) && e.Type == "back" {
				revived[e.User+e.origin.Topic] = e
				sum.revived++
			}
		case !erased:
			w.t.Errorf("seed %d: #%d %s of %s, who was never erased, does not arrive", seed, e.N, e.Type, e.User)
		case again && !before(e, d):
			w.t.Errorf("seed %d: #%d %s of %s, revived by #%d, does not arrive", seed, e.N, e.Type, e.User, r.N)
		default:
			sum.withheld++
		}
	}
	stats, err := deadletter.Stats(w.t.Context(), w.letters)
	if err != nil {
		w.t.Fatal(err)
	}
	sum.letters = stats.Written
	return sum
}
