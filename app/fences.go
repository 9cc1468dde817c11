package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/erasure/file"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping/persons"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/source"
)

// provesFences is what a bridge with erasure fences proves beside the rest.
const provesFences = "erasure fences"

// around puts fences, ledger and what rules say of their own requests around the sender of the delivery, in this order.
// What was looked at may wait for its turn, so that ledger and fences are asked again right before a request: the
// fences last, so that nothing that may take long comes behind them.
func (b *Bridge) around(openLedger func() ledger.Store) (pipeline.Sender, error) {
	sender, err := b.fence(b.noted(b.asked(b.sender), openLedger))
	if err == nil && (b.ledger != nil || b.fenced != nil) {
		b.sender.Before(func(ctx context.Context, calls []event.Call) bool {
			return (b.ledger == nil || b.ledger.Claim(ctx, calls)) && (b.fenced == nil || b.fenced.Stands(calls))
		})
	}
	return sender, err
}

// fence puts the erasure fences of the configuration before a sender. Without any it is the sender itself.
func (b *Bridge) fence(next pipeline.Sender) (pipeline.Sender, error) {
	c := b.config.Erasure
	if !c.HasKey() {
		return next, nil
	}
	digest, err := digester(c)
	if err != nil {
		return nil, exit.With(exit.Input, err)
	}
	b.digest = &digest
	if !c.Enabled() {
		return next, nil
	}
	b.fences = erasure.NewFences(openFences(c, b.broker), digest)
	options := erasure.Options{Settle: c.Settle, Skew: c.Skew, Workspace: workspaceOf(b.workspaces)}
	if to := c.ReportTo(); to != "" {
		options.Report = func(ctx context.Context, r erasure.Report) error {
			text, err := r.CloudEvent()
			if err != nil {
				return err
			}
			id := r.ID.String()
			return b.broker.Tell(ctx, to, id, id, text)
		}
	}
	options.Erased = func() {
		select {
		case b.erased <- struct{}{}:
		default:
		}
	}
	b.fenced = erasure.NewSender(b.fences, next, options, b.log.Named("erasure"), b.registry)
	return b.fenced, nil
}

// workspaceOf gives the names of the workspaces by their destinations: who is deleted in one is not in another.
func workspaceOf(workspaces []delivery.Workspace) func(event.Destination) string {
	names := map[event.Destination]string{}
	for i, w := range workspaces {
		for _, endpoint := range w.Config.Endpoints() {
			names[event.Destination(endpoint.In(i))] = w.Name
		}
	}
	return func(d event.Destination) string { return names[d] }
}

// openFences opens the log of the fences, which a file or the broker keeps.
func openFences(c erasure.Config, b source.Broker) erasure.Log {
	if c.File != "" {
		return file.New(c.File)
	}
	return b.Fences(c)
}

// digester reads the key under which identifiers are digested.
func digester(c erasure.Config) (erasure.Digester, error) {
	key, err := c.Key()
	if err != nil {
		return erasure.Digester{}, fmt.Errorf("erasure.key_file: %w", err)
	}
	return erasure.NewDigester(key), nil
}

// Digests are those of all identifiers that a person may have, in each workspace, as dead letters carry them. There are
// none where the configuration has no key.
func Digests(c config.Config, p *persons.Person) (all []string, err error) {
	if !c.Erasure.HasKey() {
		return nil, nil
	}
	digest, err := digester(c.Erasure)
	if err != nil {
		return nil, err
	}
	for _, workspace := range append(c.CustomerIO.Names(), "") {
		for _, identifier := range p.Identifiers() {
			all = append(all, digest.Of(workspace, identifier).String())
		}
	}
	return all, nil
}

// deadLetters is where failures are stored. With a key each tells by digests whom its event concerns.
func (b *Bridge) deadLetters() pipeline.DeadLetters {
	store := b.tracer.DeadLetters(b.letters)
	if b.digest == nil {
		return store
	}
	return digesting{store, *b.digest}
}

type digesting struct {
	pipeline.DeadLetters
	digest erasure.Digester
}

// maxDigests is how many a failure carries. One of more people is looked at when somebody asks for a person.
const maxDigests = 16

// Put implements pipeline.DeadLetters. The messages stay as they are.
func (d digesting) Put(ctx context.Context, letters ...event.FailedMessage) error {
	letters = slices.Clone(letters)
	for i := range letters {
		l := &letters[i]
		l.Failures = slices.Clone(l.Failures)
		persons := d.persons(l)
		for n := range l.Failures {
			l.Failures[n].Persons = persons[l.Failures[n].Item]
		}
	}
	return d.DeadLetters.Put(ctx, letters...)
}

// persons are the digests of whom the events of a message concern, by item: those of all identifiers that their calls
// name or set. Of an event of which not all calls could be made they are not known, since others may be meant.
func (d digesting) persons(l *event.FailedMessage) map[int]string {
	found := map[int][]string{}
	for i := range l.Calls {
		c := &l.Calls[i]
		if c.About == nil {
			return nil
		}
		for _, identifier := range c.About.Persons {
			item := int(c.Item)
			found[item] = append(found[item], d.digest.Of(c.Step.Workspace, identifier).String())
		}
	}
	for i := range l.Failures {
		if f := &l.Failures[i]; f.Stage != event.StageDelivery {
			delete(found, f.Item)
		}
	}
	persons := map[int]string{}
	for item, digests := range found {
		slices.Sort(digests)
		if digests = slices.Compact(digests); len(digests) <= maxDigests {
			persons[item] = strings.Join(digests, " ")
		}
	}
	return persons
}

// proveFences makes sure that fences can be kept, and reads those that there are.
func (b *Bridge) proveFences(ctx context.Context) error {
	if b.fences == nil {
		return nil
	}
	err := b.await(ctx, provesFences, b.fences.Open, func(err error) bool { return erasure.Passing(err) })
	if err == nil {
		return nil
	}
	code := exit.Broker
	if errors.Is(err, erasure.ErrOtherKey) || errors.Is(err, erasure.ErrUnfit) {
		code = exit.Input
	}
	return exit.With(code, fmt.Errorf("erasure: %w", err))
}

// watchFences reads the fences until ctx ends. The first failure in a row and the recovery are logged.
func (b *Bridge) watchFences(ctx context.Context) {
	if b.fences == nil {
		return
	}
	failing := false
	b.fences.Watch(ctx, func(err error) {
		switch {
		case err != nil && !failing:
			b.log.Warn("erasure fences cannot be read; nothing is sent until they can", zap.Error(err))
		case err == nil && failing:
			b.log.Info("erasure fences are read again")
		}
		failing = err != nil
	})
}
