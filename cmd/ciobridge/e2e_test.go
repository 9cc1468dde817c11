package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/longtest"

	"go.uber.org/zap"
)

// world is a Customer.io, and a folder with a configuration whose events are numbered per person so that the checker
// can judge what became of them.
type world struct {
	t      *testing.T
	dir    string
	cio    *emulator.Server
	server *httptest.Server

	// What delivered has counted, up to which receipt: a look at all of them every few milliseconds costs more than the
	// bridge does.
	taken       map[checkertest.Published]bool
	lastReceipt int

	mu        sync.Mutex
	published []checkertest.Published
	skipped   []checkertest.Settled
	seqs      map[string]int
}

// rules of the numbered events: a track and, for kind state, an identify that leaves the last number on the person.
const worldRules = `
rules:
  - name: numbered
    event: numbered
    do:
      - track: {person: .who, name: numbered, data: {seq: .seq, pad: .pad}}
  - name: state
    event: state
    do:
      - identify: {person: .who, attributes: {seq: .seq}}
  - name: never
    event: skipped
    if: .seq < 0
    do:
      - track: {person: .who, name: never}
`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: worldDir(t), seqs: map[string]int{}, taken: map[checkertest.Published]bool{}}
	w.cio = emulator.New(emulator.Options{Region: "eu", KeepReceipts: -1, SiteID: canarySiteID,
		APIKey: canaryAPIKey})
	w.server = httptest.NewServer(w.cio)
	t.Cleanup(w.server.Close)
	t.Cleanup(func() { searchLetters(t, w.path("dead.jsonl")) })
	w.write("site_id", canarySiteID)
	w.write("api_key", canaryAPIKey)
	w.write("rules.yaml", worldRules)
	return w
}

// worldDir is a directory like that of t.TempDir, but a file that appears while it is removed fails no test: a NATS
// server may still write one of a consumer when it has shut down.
func worldDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "world") //nolint:usetesting // that one fails the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, "the directory is removed", 10*time.Second, func() bool { return os.RemoveAll(dir) == nil })
	})
	return dir
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// configure writes ciobridge.yaml with the given source and dead letters sections.
func (w *world) configure(source, dead string) string {
	w.write("ciobridge.yaml", fmt.Sprintf(`
source: %s
customerio:
  region: eu
  url: %s
  site_id_file: %s
  api_key_file: %s
  allow: [delete]
  requests_per_second: 1000
delivery: {linger: 20ms}
dead_letters: %s
rules_from: [rules.yaml]
admin: {listen: "127.0.0.1:0"}
log: {level: info}
`, source, w.server.URL, w.path("site_id"), w.path("api_key"), dead))
	return w.path("ciobridge.yaml")
}

// event makes the next numbered event of a person.
func (w *world) event(who, kind string) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seqs[who]++
	seq := w.seqs[who]
	w.published = append(w.published, checkertest.Published{Person: who, Seq: seq})
	if kind == "skipped" {
		w.skipped = append(w.skipped, checkertest.Settled{Person: who, Seq: seq})
	}
	b, err := json.Marshal(map[string]any{"type": kind, "who": who, "seq": seq,
		"pad": strings.Repeat("canary-pad", 10)})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// history is what the world knows of what became of the events.
func (w *world) history(dead []checkertest.Settled) checkertest.History {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := checkertest.History{Published: w.published, Skipped: w.skipped, DeadLetters: dead, Final: map[string]int{}}
	for _, r := range w.cio.Receipts(0) {
		if r.Type != "person" {
			continue
		}
		seq := sequenceOf(r.Body)
		h.Receipts = append(h.Receipts, checkertest.Receipt{
			Person: strings.TrimPrefix(r.Person, "id:"), Seq: seq, ID: r.ID, Body: string(r.Body), Taken: r.Taken,
		})
	}
	return h
}

func sequenceOf(body []byte) int {
	var item struct {
		Attributes struct {
			Seq int `json:"seq"`
		} `json:"attributes"`
	}
	if json.Unmarshal(body, &item) != nil {
		return 0
	}
	return item.Attributes.Seq
}

// A process is a bridge that runs inside the test.
type process struct {
	t      *testing.T
	cancel context.CancelFunc
	code   chan int
	log    *logBuffer
}

// start runs the command line in the background.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{t: t, cancel: cancel, code: make(chan int, 1), log: &logBuffer{}}
	go func() { p.code <- run(ctx, args, stdio{in: strings.NewReader(""), out: p.log, err: p.log}) }()
	t.Cleanup(func() {
		cancel()
		if args[0] == "run" {
			canarytest.Text(t, "the log", p.log.String())
		}
		if t.Failed() {
			t.Logf("log of %v:\n%s", args, p.log)
		}
	})
	return p
}

// stop asks for an orderly stop and returns the exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.cancel()
	select {
	case code := <-p.code:
		return code
	case <-time.After(40 * time.Second):
		p.t.Fatalf("did not stop:\n%s", p.log)
		return -1
	}
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// eventually waits until ok, which is asked every few milliseconds. The limit is for an idle machine; one that is busy
// with other tests gets three times as long.
func eventually(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	limit *= 3
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

func TestEmbeddedToCustomerIO(t *testing.T) {
	beside(t)
	w := newWorld(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	events := longtest.Either(500, 2000)
	w.publishEmbedded(events)
	p := start(t, "run", "-c", path)
	eventually(t, "all delivered", 20*time.Second, func() bool { return w.cio.Stats().Applied >= events*9/10 })
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	report := checkertest.Check(w.history(nil), checkertest.Limits{})
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}

// publishEmbedded fills the store of the embedded server before the bridge starts.
func (w *world) publishEmbedded(n int) {
	w.t.Helper()
	w.withEmbedded(func(js jetstream.JetStream) { w.publish(js, "events.test", n) })
}

// withEmbedded runs the embedded server by itself for as long as use takes.
func (w *world) withEmbedded(use func(js jetstream.JetStream)) {
	w.t.Helper()
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{Dir: w.path("data"),
		Listen: "127.0.0.1:0"}.WithDefaults(), zap.NewNop())
	if err != nil {
		w.t.Fatal(err)
	}
	defer server.Close()
	conn, err := server.NATS(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	use(conn.JetStream())
}

// publish sends numbered events of some persons, a tenth of which a rule skips.
func (w *world) publish(js jetstream.JetStream, subject string, n int) {
	w.t.Helper()
	kinds := []string{"numbered", "state", "numbered", "numbered", "skipped", "numbered", "state", "numbered",
		"numbered", "numbered"}
	const persons = 97
	for first := 0; first < n; first += persons {
		var round []outgoing
		for i := first; i < min(n, first+persons); i++ {
			round = append(round, outgoing{subject, w.event(fmt.Sprintf("p%d", i%persons), kinds[i%10])})
		}
		publishRound(w.t, js, round)
	}
}
