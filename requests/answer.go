package requests

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// answered is an answer as it is published.
type answered struct {
	ID     string `json:"id"` // of the call: the same for every attempt and replay
	Rule   string `json:"rule"`
	Call   string `json:"call"`
	Status int    `json:"status"`
	Type   string `json:"type"`
	Body   any    `json:"body"` // JSON, a text, or the bytes in base64, as response says
	Cut    bool   `json:"cut,omitempty"`
}

// maxText is the longest text that is published, with room for what a broker adds: a message of 1 MB is what brokers
// take unless they are told otherwise, and one that is larger would be tried without end.
const maxText = 1_000_000

// lastAttempt bounds the attempt to publish that is made when the bridge has to stop.
const lastAttempt = 3 * time.Second

// publish has the broker store an answer, for as long as that takes, or until ctx ends.
func (s *Sender) publish(ctx context.Context, call *event.Call, a *event.Answer) error {
	raw := call.Single.Raw
	key, text := call.ID.String(), textOf(call, a)
	id := fmt.Sprintf("%s-%x", key, sha256.Sum256(text)) // a replay may be answered otherwise
	policy := retry.Policy{First: 200 * time.Millisecond, Longest: 5 * time.Second,
		Failing: func(err error) {
			s.log.Warn("an answer cannot be published; its call waits", zap.String("rule", call.Step.Rule),
				zap.String("reply_to", raw.ReplyTo), zap.Error(err))
		},
		Working: func(*retry.Streak) {
			s.log.Info("answers are published again", zap.String("reply_to", raw.ReplyTo))
		},
	}
	err := retry.Do(ctx, policy, func(ctx context.Context) error {
		return s.tell(ctx, raw.ReplyTo, key, id, text)
	})
	if err == nil || ctx.Err() == nil {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastAttempt)
	defer cancel()
	return s.tell(last, raw.ReplyTo, key, id, text)
}

func textOf(call *event.Call, a *event.Answer) []byte {
	out := answered{ID: call.ID.String(), Rule: call.Step.Rule, Call: call.Step.Call, Status: a.Status, Type: a.Type,
		Cut: a.Cut}
	switch form := call.Single.Raw.Form; {
	case form == event.AnswerBinary:
		out.Body = a.Body
	case form == event.AnswerJSON && json.Valid(a.Body):
		out.Body = json.RawMessage(a.Body)
	case len(a.Body) > 0:
		out.Body = string(a.Body)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic("requests: " + err.Error()) // texts and valid JSON always encode
	}
	if len(text) > maxText {
		return textOf(call, &event.Answer{Status: a.Status, Type: a.Type, Cut: true})
	}
	return text
}

// unpublished is the outcome of a call that was settled, but whose answer nobody has.
func unpublished(call *event.Call, o event.Outcome) event.Outcome {
	return event.Outcome{MayBeSent: o.Result == event.Delivered, Failure: &event.Failure{
		ID: call.ID, Stage: event.StageDelivery, Rule: call.Step.Rule, Call: call.Step.Call, Status: o.Answer.Status,
		Detail: "the answer could not be published before the bridge had to stop",
	}}
}
