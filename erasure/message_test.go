package erasure_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/secret"
)

const messageRules = `
rules:
  - {name: gone, event: gone, do: [{delete: {person: [{id: .user}, {email: .mail}, {phone: .phone}]}}]}
  - name: mail
    event: mail
    do:
      - send_email: {person: {id: .user}, transactional_message_id: 3, to: .mail}
      - {call: to, send_email: {person: {id: .by}, transactional_message_id: 3, to: .mail}}
      - send_sms: {person: {id: .by}, transactional_message_id: 4, to: .phone}
      - send_push: {person: {email: .mail}, transactional_message_id: 5}
      - trigger_broadcast: {broadcast: 8, ids: [.user]}
`

// An erased person gets no message: not as the person of it, and not at an address or a number of theirs. Others do.
func TestAnErasedPersonGetsNoMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.fences.failing = 0
		file, err := rulefile.Parse("rules.yaml", []byte(messageRules))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete"}, About: true})
		if err != nil {
			t.Fatal(err)
		}
		client, err := customerio.NewClient(w.customer, 4, w.server.Transport())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		reg := canarytest.Registry(t)
		next := delivery.New([]delivery.Workspace{{Client: client, Config: w.customer}}, canarytest.Logger(t), reg)
		fences := erasure.NewFences(&view{memory: w.fences}, erasure.NewDigester(secret.New(key)))
		if err := fences.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		watching, stop := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		watch.Go(func() { fences.Watch(watching, func(error) {}) })
		defer watch.Wait()
		defer stop()
		sender := erasure.NewSender(fences, next, erasure.Options{Skew: skew}, canarytest.Logger(t), reg)
		next.Before(func(_ context.Context, calls []event.Call) bool { return sender.Stands(calls) })
		at := time.Now()
		send := func(offset int64, value string) (delivered, erased int) {
			calls, failures := rules.Map(&event.Message{Origin: event.Origin{Topic: "a", Offset: offset},
				Time: at.Add(time.Duration(offset) * time.Hour), Value: []byte(value)})
			if len(failures) > 0 {
				t.Fatalf("%+v", failures)
			}
			for i := range calls {
				o := event.Outcome{}
				for end := time.Now().Add(time.Minute); o.Result == event.Open && time.Now().Before(end); {
					o = sender.Send(t.Context(), calls[i:i+1])[0]
					time.Sleep(time.Second)
				}
				switch {
				case o.Result == event.Delivered:
					delivered++
				case o.Result == event.Refused && o.Failure.Reason == event.ReasonErased:
					erased++
				default:
					t.Errorf("%s: %+v, %+v", calls[i].Step.Call, o, o.Failure)
				}
			}
			return delivered, erased
		}
		mail := func(user string) string {
			return fmt.Sprintf(`{"type":"mail","user":%q,"mail":"%s@canary.example","by":"staff","phone":"+47%s"}`, user,
				user, user)
		}
		for _, step := range []struct {
			offset            int64
			value             string
			delivered, erased int
		}{
			{1, mail("12345678"), 5, 0},
			{5, `{"type":"gone","user":"12345678","mail":"12345678@canary.example","phone":"+4712345678"}`, 1, 0},
			{2, mail("12345678"), 0, 5}, // a letter that is replayed
			{9, mail("12345678"), 0, 5}, // an event that comes afterwards
			{3, mail("87654321"), 5, 0},
		} {
			before := len(w.server.Deliveries())
			delivered, erased := send(step.offset, step.value)
			if delivered != step.delivered || erased != step.erased {
				t.Errorf("%s: %d delivered and %d erased, want %d and %d", step.value, delivered, erased,
					step.delivered, step.erased)
			}
			if n := len(w.server.Deliveries()) - before; step.erased > 0 && n > 0 {
				t.Errorf("%s: %d messages were sent", step.value, n)
			}
		}
	})
}
