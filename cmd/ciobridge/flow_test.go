package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/memlogtest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/pipeline"
)

// A flow is everything between a broker in memory and the emulator: real rules, pipeline and delivery, in virtual time.
type flow struct {
	t       *testing.T
	dir     string
	cio     *emulator.Server
	source  *memlogtest.Log
	letters *letterbox
	config  pipeline.Config
	cioConf customerio.Config
	rules   string
	history checkertest.History
	began   time.Time

	unsettled bool // the flow is expected to stop before everything is settled

	transport http.RoundTripper // to the emulator
}

// letterbox stores letters, unless it is down.
type letterbox struct {
	mu      sync.Mutex
	letters []event.FailedMessage
	down    func(time.Time) bool
	refused int
}

func (l *letterbox) Put(_ context.Context, letters ...event.FailedMessage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil && l.down(time.Now()) {
		l.refused++
		return fmt.Errorf("store letters: the topic is down")
	}
	for _, letter := range letters {
		letter.Message.Value = append([]byte(nil), letter.Message.Value...)
		l.letters = append(l.letters, letter)
	}
	return nil
}

// marked is in the body of the one event that a fault looks for.
const marked = "marked-event"

// newFlow publishes events of some persons, one of them marked, into two partitions. It must be called inside the
// bubble.
func newFlow(t *testing.T, events int) *flow {
	t.Helper()
	f := &flow{t: t, dir: t.TempDir(), letters: &letterbox{}, rules: worldRules, config: config.Default().Delivery,
		began: time.Now()}
	f.cio = emulator.New(emulator.Options{Region: "eu", Seed: 7, KeepReceipts: -1})
	f.transport = f.cio.Transport()
	f.key(emulator.DefaultAPIKey)
	site := filepath.Join(f.dir, "site_id")
	if err := os.WriteFile(site, []byte(emulator.DefaultSiteID), 0o600); err != nil {
		t.Fatal(err)
	}
	f.cioConf = customerio.DefaultConfig()
	f.cioConf.Region, f.cioConf.SiteIDFile, f.cioConf.APIKeyFile = customerio.EU, site, f.keyFile()
	partitions := make([][]event.Message, 2)
	seqs := map[string]int{}
	for i := range events {
		who := fmt.Sprintf("p%d", (i*i+3*i)%101)
		seqs[who]++
		kind, pad := "numbered", "x"
		if i%5 == 0 {
			kind = "state"
		}
		if i == events/2 {
			kind, pad = "numbered", marked
		}
		value, err := json.Marshal(map[string]any{"type": kind, "who": who, "seq": seqs[who], "pad": pad})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(who[1:])
		p := n % 2
		partitions[p] = append(partitions[p], event.Message{
			Origin: event.Origin{Topic: "t", Partition: int32(p),
				Offset: int64(len(partitions[p]))}, Value: value, Time: time.Now(),
		})
		f.history.Published = append(f.history.Published, checkertest.Published{Person: who, Seq: seqs[who]})
	}
	f.source = memlogtest.New(partitions)
	return f
}

func (f *flow) keyFile() string { return filepath.Join(f.dir, "api_key") }

// key writes the API key that the bridge finds.
func (f *flow) key(text string) {
	f.t.Helper()
	if err := os.WriteFile(f.keyFile(), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// fault puts a fault into force.
func (f *flow) fault(spec string) {
	f.t.Helper()
	fault, err := emulator.ParseFault(spec)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.cio.AddFault(fault); err != nil {
		f.t.Fatal(err)
	}
}

// run carries everything until all is settled, at most for so long of virtual time.
func (f *flow) run(limit time.Duration, meanwhile func(stop <-chan struct{})) {
	f.t.Helper()
	file, err := rulefile.Parse("rules.yaml", []byte(f.rules))
	if err != nil {
		f.t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		f.t.Fatal(err)
	}
	client, err := customerio.NewClient(f.cioConf, f.config.Senders, f.transport)
	if err != nil {
		f.t.Fatal(err)
	}
	defer client.Close()
	reg := prometheus.NewRegistry()
	sender := delivery.New([]delivery.Workspace{{Client: client, Config: f.cioConf}}, zap.NewNop(), reg)
	p := pipeline.New(f.config, pipeline.Stages{Source: f.source, Mapper: rules, Sender: sender, DeadLetters: f.letters,
		Destinations: []pipeline.Destination{f.config.Batch(), {Senders: 1, Calls: 1}},
		Recycle:      rules.Recycle}, zap.NewNop(), reg)
	ctx, cancel := context.WithCancel(f.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop, quiet := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quiet)
		if meanwhile != nil {
			meanwhile(stop)
		}
	}()
	for end := time.Now().Add(limit); !f.source.Settled(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			if f.unsettled {
				break
			}
			f.t.Errorf("not settled after %s: floors %v, destination %+v", limit, f.source.Floors(), sender.State())
			break
		}
	}
	close(stop)
	<-quiet
	cancel()
	if err := <-ended; err != nil {
		f.t.Error(err)
	}
}

// check judges the outcome and that each of the named faults happened.
func (f *flow) check(l checkertest.Limits, faults ...string) checkertest.Report {
	f.t.Helper()
	h := f.history
	for _, r := range f.cio.Receipts(0) {
		if r.Type != "person" {
			continue
		}
		h.Receipts = append(h.Receipts, checkertest.Receipt{
			Person: strings.TrimPrefix(r.Person, "id:"), Seq: sequenceOf(r.Body), ID: r.ID, Body: string(r.Body),
			Taken: r.Taken,
		})
	}
	for _, letter := range f.letters.letters {
		var e struct {
			Who string
			Seq int
		}
		if err := json.Unmarshal(letter.Message.Value, &e); err != nil {
			f.t.Fatal(err)
		}
		h.DeadLetters = append(h.DeadLetters, checkertest.Settled{Person: e.Who, Seq: e.Seq})
	}
	report := checkertest.Check(h, l)
	if err := report.Err(); err != nil {
		f.t.Error(err)
	}
	counts := f.cio.FaultCounts()
	for _, name := range faults {
		if counts[name] == 0 {
			f.t.Errorf("the fault %q never happened: %v", name, counts)
		}
	}
	return report
}

// dead reports the only dead letter, which must be of the marked event.
func (f *flow) dead() event.Failure {
	f.t.Helper()
	if len(f.letters.letters) != 1 || !strings.Contains(string(f.letters.letters[0].Message.Value), marked) {
		f.t.Fatalf("want one dead letter, of the marked event; got %d", len(f.letters.letters))
	}
	return f.letters.letters[0].Failures[0]
}

// inFlow runs a test in virtual time.
func inFlow(t *testing.T, events int, test func(t *testing.T, f *flow)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newFlow(t, events)) })
}
