package kafka

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/memory"
)

const zombieEnv = "CIOBRIDGE_TEST_ZOMBIE"

// TestKafkaZombieProcess is not a test: it is the process that TestKafkaPausedPastItsSession stops and continues. It
// takes one message, keeps it, and says when it first finds that its lease is over, having looked every millisecond;
// then it says that it is done.
func TestKafkaZombieProcess(t *testing.T) {
	addr := os.Getenv(zombieEnv)
	if addr == "" {
		t.Skip("only as a process of its own")
	}
	b := &testBed{t: t, brokers: []string{addr}, topic: testTopic, session: 2 * time.Second}
	c := b.config()
	connections, err := broker.NewKafka(c.KafkaConfig)
	if err != nil {
		t.Fatal(err)
	}
	k, err := New(c, connections, memory.New(24<<20), canarytest.Logger(t), canarytest.Registry(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = k.Consume(ctx, func(lease event.Lease, m *event.Message, done func()) error {
		looked := time.Now() // before the line that has the process stopped
		fmt.Printf("took %s\n", m.Value)
		for {
			now := time.Now()
			if d, _ := lease.Deadline(); !now.Before(d) {
				fmt.Printf("over, %v after the look before\n", now.Sub(looked).Round(time.Millisecond))
				done()
				cancel()
				return nil
			}
			looked = now
			time.Sleep(time.Millisecond)
		}
	})
	fmt.Printf("ended %v\n", err)
}

// A process is stopped for longer than its session and continued. Its first look at the lease says that it is over, by
// which time the other replica owns the partition; what it then calls done is not committed.
func TestKafkaPausedPastItsSession(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish("1")
	zombie := exec.CommandContext(t.Context(), os.Args[0], "-test.run=TestKafkaZombieProcess$", "-test.v")
	zombie.Env = append(os.Environ(), zombieEnv+"="+b.brokers[0])
	out, err := zombie.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = zombie.Wait() }()
	lines := bufio.NewScanner(out)
	next := func(prefix string) string {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), prefix) {
				return lines.Text()
			}
		}
		t.Fatalf("the process ended without saying %q", prefix)
		return ""
	}
	next("took 1")
	if err := zombie.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second := consumertest.Read(t, b.Open(), func(event.Lease, string, func()) error { return nil }) // and keeps it
	second.Want("1")
	time.Sleep(200 * time.Millisecond)
	if err := zombie.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	said := next("over, ")
	var paused time.Duration
	if _, err := fmt.Sscanf(said, "over, %s", (*durationText)(&paused)); err != nil || paused < 500*time.Millisecond {
		t.Errorf("the process says %q (%v): it was not stopped between two looks", said, err)
	}
	next("ended <nil>")
	second.Stop()
	if got := b.offsets(b.config())[0].Committed; got > 0 {
		t.Errorf("the paused process committed %d", got)
	}
}

// durationText scans a duration such as 2.5s.
type durationText time.Duration

func (d *durationText) Scan(state fmt.ScanState, _ rune) error {
	token, err := state.Token(true, nil)
	if err != nil {
		return err
	}
	parsed, err := time.ParseDuration(string(token))
	*d = durationText(parsed)
	return err
}
