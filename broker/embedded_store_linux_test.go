package broker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// fill publishes until a message is not acknowledged, at most n, and returns how many were.
func fill(t *testing.T, srv *Embedded, n int) (acknowledged int, err error) {
	t.Helper()
	conn, err := srv.NATS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	payload := []byte(strings.Repeat("x", 64<<10))
	for ; acknowledged < n; acknowledged++ {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		_, err := conn.JetStream().Publish(ctx, "events.test", payload)
		cancel()
		if err != nil {
			return acknowledged, err
		}
	}
	return acknowledged, nil
}

// kept reads every message of the stream.
func kept(t *testing.T, srv *Embedded) (n int) {
	t.Helper()
	conn, err := srv.NATS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.JetStream().Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	state := stream.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		if _, err := stream.GetMsg(t.Context(), seq); err == nil {
			n++
		} else if !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Errorf("message %d: %v", seq, err)
		}
	}
	return n
}

// A disk that is full refuses publishers, and keeps what it acknowledged.
func TestEmbeddedDiskFull(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted here, which needs root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	cfg := EmbeddedConfig{Dir: filepath.Join(dir, "events"), Listen: "127.0.0.1:0"}
	srv, err := StartEmbedded(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	n, err := fill(t, srv, 1000)
	if err == nil || n == 0 {
		t.Fatalf("%d messages of 64 KiB were acknowledged on a disk of 4 MiB, then: %v", n, err)
	}
	srv.Close()
	srv, err = StartEmbedded(cfg, zap.NewNop())
	if err != nil {
		t.Fatalf("it does not start on the full disk: %v", err)
	}
	defer srv.Close()
	if got := kept(t, srv); got < n {
		t.Errorf("%d messages were acknowledged, %d are there after a restart", n, got)
	}
}

// Another process fills the disk, so that the server's next write fails, after which it takes nothing any more. The
// connection says why, and once there is room it takes messages again, with all that it had acknowledged.
func TestEmbeddedDiskFullForAWhile(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted here, which needs root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	cfg := EmbeddedConfig{Dir: filepath.Join(dir, "events"), Listen: "127.0.0.1:0"}
	srv, err := StartEmbedded(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	conn, err := srv.NATS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := fill(t, srv, 5); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if n, err := fill(t, srv, 1); err == nil {
		t.Fatalf("%d messages were taken by a full disk", n)
	}
	until(t, "the reason is told", func() bool {
		err := conn.Trouble()
		return err != nil && strings.Contains(err.Error(), "no space left on device")
	})
	url := srv.URL()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until(t, "the store is started again", func() bool { return conn.Trouble() == nil })
	if n, err := fill(t, srv, 5); err != nil || n != 5 {
		t.Errorf("%d messages are taken, then: %v", n, err)
	}
	if n := kept(t, srv); n < 10 || srv.URL() != url {
		t.Errorf("%d messages of 10 are there, at %s, before at %s", n, srv.URL(), url)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

// A store in which a bit has flipped loses what stands behind it in its file. The log says so and names the file; the
// rest is kept.
func TestEmbeddedDamagedStore(t *testing.T) {
	t.Parallel()
	cfg := embeddedConfig(t)
	srv, err := StartEmbedded(cfg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := fill(t, srv, 20); err != nil || n != 20 {
		t.Fatal(n, err)
	}
	srv.Close()
	blocks, err := filepath.Glob(filepath.Join(cfg.Dir, "nats", "jetstream", "*", "streams", "EVENTS", "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
	block, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	block[len(block)/2] ^= 1
	if err := os.WriteFile(blocks[0], block, 0o600); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.WarnLevel)
	srv, err = StartEmbedded(cfg, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if n := kept(t, srv); n < 9 || n > 19 {
		t.Errorf("%d messages of 20 are kept, with damage in the middle", n)
	}
	said := false
	for _, entry := range logs.All() {
		detail, _ := entry.ContextMap()["detail"].(string)
		said = said || strings.Contains(detail, blocks[0])
	}
	if !said {
		t.Errorf("the log does not name the damaged file: %v", logs.All())
	}
}

// A directory on a read-only disk gives an error that says so.
func TestEmbeddedReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=1m,mode=0700"); err != nil {
		t.Skipf("a read-only disk cannot be mounted here, which needs root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	for _, at := range []string{dir, filepath.Join(dir, "events")} {
		_, err := StartEmbedded(EmbeddedConfig{Dir: at, Listen: "127.0.0.1:0"}, zap.NewNop())
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: %v", at, err)
		}
	}
}
