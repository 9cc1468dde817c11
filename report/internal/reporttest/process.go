package reporttest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/report"
)

// look makes a call that has no effect.
func (p *Process) look(ctx context.Context, read func()) error {
	if err := p.do(ctx); err != nil {
		return err
	}
	p.World.mu.Lock()
	defer p.World.mu.Unlock()
	read()
	return nil
}

// Position implements report.Target.
func (p *Process) Position(ctx context.Context) (position string, err error) {
	err = p.look(ctx, func() { position = strconv.Itoa(len(p.World.events)) })
	return position, err
}

// Publish implements report.Target.
func (p *Process) Publish(ctx context.Context, events []cloudevent.Event) error {
	w, tooLarge := p.World, false
	var parts []func()
	for _, e := range events {
		told, ok := e.Data.(report.Content)
		if tooLarge = tooLarge || ok && w.Largest > 0 && len(told.Row) > w.Largest; tooLarge {
			break // those before it are stored
		}
		parts = append(parts, func() { w.events = append(w.events, e) })
	}
	if err := p.do(ctx, parts...); err != nil || !tooLarge {
		return err
	}
	return report.ErrTooLarge
}

// Published implements report.Target.
func (p *Process) Published(ctx context.Context, since string, each func(id, hash string)) error {
	n, _ := strconv.Atoi(since)
	var list []cloudevent.Event
	if err := p.look(ctx, func() { list = slices.Clone(p.World.events[n:]) }); err != nil {
		return err
	}
	for i := range list {
		each(list[i].ID, list[i].ContentHash)
	}
	return nil
}

// Load implements report.Store.
func (p *Process) Load(ctx context.Context, prefix string, each func(key string, value []byte) error) error {
	var state map[string][]byte
	if err := p.look(ctx, func() { state = maps.Clone(p.World.state) }); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(state)) {
		if strings.HasPrefix(key, prefix) {
			if err := each(key, state[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Put implements report.Store.
func (p *Process) Put(ctx context.Context, key string, value []byte) error {
	value = slices.Clone(value)
	return p.do(ctx, func() {
		p.World.Puts[key]++
		if len(value) == 0 {
			delete(p.World.state, key)
		} else {
			p.World.state[key] = value
		}
	})
}

// Lead implements report.Store.
func (p *Process) Lead(ctx context.Context, standby func()) (led context.Context, release func(), err error) {
	select {
	case p.World.leader <- struct{}{}:
	default:
		standby()
		select {
		case p.World.leader <- struct{}{}:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	led, cancel := context.WithCancel(ctx)
	free := sync.OnceFunc(func() {
		cancel()
		<-p.World.leader
	})
	p.World.mu.Lock()
	defer p.World.mu.Unlock()
	p.depose = free
	return led, free, nil
}

// Letter is a report.DeadLetter.
func (p *Process) Letter(ctx context.Context, l report.Letter) error {
	return p.do(ctx, func() { p.World.Letters[l.ID.String()] = l })
}

// Check finds nothing weak.
func (p *Process) Check(context.Context) ([]string, error) { return nil, nil }

// Place names the world.
func (p *Process) Place() string { return "memory" }

// Close does nothing.
func (p *Process) Close() {}

// Target is the process as a report.Target.
func (p *Process) Target() report.Target { return target{p} }

type target struct{ *Process }

// Check implements report.Target.
func (target) Check(context.Context) error { return nil }
