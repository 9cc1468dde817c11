package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// produceLists publishes numbered events of some persons in lists of random lengths, with bad events among them. It
// returns how many are bad.
func (b *bus) produceLists(n int, random *rand.Rand) (bad int) {
	b.t.Helper()
	for made := 0; made < n; {
		var items [][]byte
		for range 1 + random.IntN(20) {
			if random.IntN(30) == 0 {
				bad++
				items = append(items, []byte([]string{`{"type":}`, `7`, `{"type":"numbered"}`,
					`{"who":"p1","who":"p2"}`}[random.IntN(4)]))
				continue
			}
			items = append(items, b.event("p"+strconv.Itoa(random.IntN(30)), "numbered"))
			made++
		}
		value := fmt.Appendf(nil, `{"batch":%d,"records":[%s]}`, made, bytes.Join(items, []byte(",")))
		b.client.Produce(context.Background(), &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.t.Error(err)
			}
		})
	}
	if err := b.client.Flush(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	return bad
}

// Lists of events survive the death of the bridge: each event arrives in its order and counts once, a bad one is a
// letter of its own, and a replay of the letters sends nothing of the others.
func TestListsSurviveKills(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 1s, "+
		"topics: [{name: %s, envelope: {each: .records}}]}}", b.brokers[0], eventsTopic),
		"{file: "+b.path("dead.jsonl")+"}")
	random := rand.New(rand.NewPCG(11, 20))
	bad := 0
	var log logBuffer
	b.batches(7)
	for range kills(t, longtest.Either(1, 2)) {
		answer := b.slow(50 * time.Millisecond)
		bad += b.produceLists(600, random)
		before := b.cio.Stats().Taken
		cmd := launch(t, &log, "run", "-c", path)
		eventually(t, "some is delivered", 30*time.Second, func() bool { return b.cio.Stats().Taken > before+50 })
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("not killed")
		}
		answer()
	}
	if b.delivered() == b.wanted() {
		t.Fatal("the bridge was killed when all was done")
	}
	p := start(t, "run", "-c", path)
	b.arrive(30 * time.Second)
	eventually(t, "the letters", 20*time.Second, func() bool { return len(b.letters(path)) == bad })
	p.stop()
	b.judge(again)
	for _, l := range b.letters(path) {
		if l.Item < 1 {
			t.Errorf("a letter names no event: %+v", l)
		}
	}
	sent := len(b.history(nil).Receipts)
	expect(t, exit.Failure, strconv.Itoa(bad)+" failed again", "deadletters", "replay", "-c", path, "--all")
	if n := len(b.history(nil).Receipts) - sent; n > 0 {
		t.Errorf("the replay of bad events sent %d calls", n)
	}
}

type listedLetter struct {
	ID   string
	Item int
}

func (w *world) letters(path string) (letters []listedLetter) {
	w.t.Helper()
	out, _ := command(w.t, "deadletters", "list", "-c", path, "-o", "json")
	for _, line := range lines(out) {
		var l listedLetter
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}
