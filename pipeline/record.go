package pipeline

import (
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/batch"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// recordSkip records a message of which nothing came.
func (p *Pipeline) recordSkip(m *event.Message) {
	if p.stages.Recorder != nil {
		p.stages.Recorder.Record(Became{Message: m, At: time.Now()})
	}
}

// recordAnswers records the calls of a request that its outcomes settle. While they are in the request nobody else
// looks at what is read here, so that the pipeline's lock is not needed.
func (p *Pipeline) recordAnswers(b *batch.Batch, outcomes []event.Outcome, now time.Time) {
	if p.stages.Recorder == nil {
		return
	}
	for i, e := range b.Entries[:min(len(b.Entries), len(outcomes))] {
		o := &outcomes[i]
		if o.Result == event.Open {
			continue
		}
		became := Became{Message: &e.Message.Event, Call: e.Event, Outcome: o, At: now}
		if e.History != nil {
			became.Attempts = e.History.Attempts
		}
		if !o.Unheard {
			became.Attempts++
		}
		p.stages.Recorder.Record(became)
	}
}

// recordLetters records failures that are stored. Of those of a call it tells the call.
func (p *Pipeline) recordLetters(messages []*inflight.Message) {
	if p.stages.Recorder == nil {
		return
	}
	now := time.Now()
	for _, msg := range messages {
		calls := make(map[event.ID]*event.Call, len(msg.Calls))
		for i := range msg.Calls {
			calls[msg.Calls[i].ID] = &msg.Calls[i]
		}
		for i := range msg.Failures {
			f := &msg.Failures[i]
			p.stages.Recorder.Record(Became{Message: &msg.Event, Call: calls[f.ID], Failure: f, At: now})
		}
	}
}
