package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
)

const (
	embeddedLook  = time.Second
	embeddedLooks = 3         // in a row that find a failure, before it is one
	embeddedRoom  = 256 << 10 // bytes that the disk must take before the server is started again
)

// watch starts the server again when its store has failed: after one write that the disk refused it takes nothing any
// more, whatever room there is later. A failure that passes is none: the server's health compares what it holds with
// the files of its store, which differ for a moment while a stream or a consumer is made or deleted.
func (e *Embedded) watch(ctx context.Context) {
	tick := time.NewTicker(embeddedLook)
	defer tick.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := e.failure()
		if err == nil {
			failures = 0
			continue
		}
		if failures++; failures < embeddedLooks {
			continue
		}
		e.failed(err)
		if err := e.probe(); err != nil {
			continue
		}
		if err := e.restart(ctx); err != nil {
			e.failed(err)
			continue
		}
		if err := e.failure(); err == nil {
			e.recovered()
		}
	}
}

// failure is why the store takes nothing.
func (e *Embedded) failure() error {
	srv := e.current()
	if !srv.Running() {
		return errors.New("the server does not run")
	}
	if h := srv.Healthz(&server.HealthzOptions{}); h.Error != "" {
		return errors.New(h.Error)
	}
	return nil
}

// probe reports whether the disk takes anything.
func (e *Embedded) probe() (err error) {
	f, err := os.CreateTemp(e.cfg.Dir, "probe-")
	if err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(filepath.Clean(f.Name()))) }()
	if _, err := f.Write(make([]byte, embeddedRoom)); err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("try the disk: %w", err)
	}
	return nil
}

// restart ends the server and starts it at the same address. Clients connect again by themselves.
func (e *Embedded) restart(ctx context.Context) error {
	e.run.end()
	run, err := e.start()
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.run = run
	e.mu.Unlock()
	return ctx.Err()
}

// failed notes why the store takes nothing, and logs it once.
func (e *Embedded) failed(err error) {
	e.mu.Lock()
	first := e.trouble == nil
	e.trouble = fmt.Errorf("the embedded store takes nothing, and is started again when the disk has room: %w", err)
	e.mu.Unlock()
	if first {
		e.log.Error("the embedded store takes nothing any more; it is started again when the disk has room",
			zap.String("dir", e.cfg.Dir), zap.Error(err))
	}
}

func (e *Embedded) recovered() {
	e.mu.Lock()
	e.trouble = nil
	e.mu.Unlock()
	e.log.Info("the embedded store was started again", zap.String("dir", e.cfg.Dir))
}

// Trouble is why publishers cannot publish at the moment, nil while they can.
func (e *Embedded) Trouble() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.trouble
}

func (e *Embedded) current() *server.Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.run.server
}
