package demo

import (
	"context"
	"os"
	"time"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// traceEvery is how often the page is told where calls come from, and which letters are open.
const traceEvery = time.Second

// A tracer tells the emulator's page what no request says: by which rule a call was made, of which event, and what
// became a dead letter. It reads the events once more, with rules of its own, because rules count.
type tracer struct {
	demo    *demo
	rules   *mapping.Rules
	next    map[string]int64 // sequences, by stream
	last    time.Time
	letters time.Time // when the file of the letters was changed that was read last
}

// typeOf is the type of the event that a message tells; empty where it cannot be read or there are several.
func (t *tracer) typeOf(m event.Message) string {
	e, err := t.rules.Inspect(m, 0)
	if err != nil {
		return ""
	}
	return e.Type
}

// trace tells the page what is new, at times.
func (t *tracer) trace(ctx context.Context) error {
	if time.Since(t.last) < traceEvery {
		return nil
	}
	t.last = time.Now()
	if err := t.traceCalls(ctx); err != nil {
		return err
	}
	return t.showLetters(ctx)
}

func (t *tracer) traceCalls(ctx context.Context) error {
	extents, err := t.demo.broker().Extents(ctx, consumer.Bounds{})
	if err != nil {
		return err
	}
	for _, e := range extents {
		e.From = max(e.From, t.next[e.Topic])
		if e.Count() == 0 {
			continue
		}
		err := t.demo.broker().ReadExtent(ctx, e, func(m *event.Message) error {
			calls, _ := t.rules.Map(m)
			of := emulator.Trace{Event: t.typeOf(*m), Place: m.Origin.String()}
			for i := range calls {
				of.Rule = calls[i].Step.Rule
				t.demo.cio.ShowTrace(calls[i].Body, of)
			}
			return nil
		})
		if err != nil {
			return err
		}
		t.next[e.Topic] = e.End
	}
	return nil
}

// showLetters shows the letters that are open, where their file has changed.
func (t *tracer) showLetters(ctx context.Context) error {
	info, err := os.Stat(t.demo.folder.path(lettersName))
	if err != nil || info.ModTime().Equal(t.letters) {
		return nil // there is none yet
	}
	var list []emulator.Letter
	for l, err := range deadletter.List(ctx, t.demo.bridge.Letters(), deadletter.Filter{All: true}) {
		if err != nil {
			return err
		}
		f := &l.Failure
		detail := f.Detail
		if f.Field != "" {
			detail = f.Field + ": " + detail
		}
		list = append(list, emulator.Letter{ID: f.ID.String(), At: f.First, Reason: string(f.Reason), Detail: detail,
			Call: f.Call, Trace: emulator.Trace{Rule: f.Rule, Event: t.typeOf(l.Message),
				Place: l.Message.Origin.String()}})
	}
	t.demo.cio.ShowLetters(list)
	t.letters = info.ModTime()
	return nil
}
