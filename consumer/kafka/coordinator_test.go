package kafka

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

const (
	commitKey      = 8
	fetchOffsetKey = 9
)

// The group's coordinator does not say what is committed: loading, moved, gone, not answering. The bridge asks again
// until it does; it never takes that for a group that has committed nothing, which would begin at start_at.
func TestKafkaCommittedOffsetUnknown(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(*kmsg.OffsetFetchResponse){
		"loading":        offsetsRefused(kerr.CoordinatorLoadInProgress.Code),
		"moved":          offsetsRefused(kerr.NotCoordinator.Code),
		"gone":           offsetsRefused(kerr.CoordinatorNotAvailable.Code),
		"not to be read": offsetsRefused(kerr.GroupAuthorizationFailed.Code),
		"unstable": func(res *kmsg.OffsetFetchResponse) {
			for _, topic := range res.Topics {
				for i := range topic.Partitions {
					topic.Partitions[i].ErrorCode, topic.Partitions[i].Offset = kerr.UnstableOffsetCommit.Code, -1
				}
			}
		},
	} {
		for _, startAt := range []string{"earliest", "latest"} {
			t.Run(name+", "+startAt, func(t *testing.T) {
				t.Parallel()
				if startAt == "earliest" { // it would repeat events, and leave none out
					longtest.Only(t)
				}
				b := startKafka(t)
				b.Publish("1", "2", "3", "4")
				b.setOffset(0, 2)
				var asked atomic.Int64
				b.cluster.ControlKey(fetchOffsetKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
					b.cluster.KeepControl()
					if asked.Add(1) > 3 {
						return nil, nil, false
					}
					return offsetsAnswer(req.(*kmsg.OffsetFetchRequest), refuse), nil, true
				})
				c := b.config()
				c.StartAt = startAt
				r := consumertest.Read(t, b.openWith(c), consumertest.AckAll)
				r.Want("3", "4")
				r.Stop()
				if asked.Load() != 4 {
					t.Errorf("the committed offset was asked for %d times, want 4", asked.Load())
				}
			})
		}
	}
}

func offsetsRefused(code int16) func(*kmsg.OffsetFetchResponse) {
	return func(res *kmsg.OffsetFetchResponse) { res.ErrorCode, res.Topics = code, nil }
}

// offsetsAnswer says that nothing is committed, with an error beside it.
func offsetsAnswer(req *kmsg.OffsetFetchRequest, refuse func(*kmsg.OffsetFetchResponse)) kmsg.Response {
	res := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	for _, topic := range req.Topics {
		t := kmsg.NewOffsetFetchResponseTopic()
		t.Topic = topic.Topic
		for _, id := range topic.Partitions {
			p := kmsg.NewOffsetFetchResponseTopicPartition()
			p.Partition, p.Offset = id, -1
			t.Partitions = append(t.Partitions, p)
		}
		res.Topics = append(res.Topics, t)
	}
	refuse(res)
	return res
}

// A commit whose outcome nobody knows is made again, with the same offset or a higher one; what is committed never goes
// back, and nobody reads again what was done.
func TestKafkaCommitOutcomeUnknown(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	unknown := map[string]func(req *kmsg.OffsetCommitRequest) (kmsg.Response, error){
		"carried out, answer lost": func(req *kmsg.OffsetCommitRequest) (kmsg.Response, error) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				if _, err := req.RequestWith(t.Context(), b.client); err != nil {
					t.Errorf("carry out the commit: %v", err)
				}
			}()
			b.cluster.SleepControl(func() { <-done })
			return nil, errors.New("lost")
		},
		"lost on its way": func(*kmsg.OffsetCommitRequest) (kmsg.Response, error) { return nil, errors.New("lost") },
		"never answered":  func(*kmsg.OffsetCommitRequest) (kmsg.Response, error) { return nil, nil },
		"timed out":       commitRefused(kerr.RequestTimedOut.Code),
		"loading":         commitRefused(kerr.CoordinatorLoadInProgress.Code),
		"moved":           commitRefused(kerr.NotCoordinator.Code),
		"gone":            commitRefused(kerr.CoordinatorNotAvailable.Code),
	}
	if !longtest.On() {
		delete(unknown, "never answered") // which is waited for
	}
	var mu sync.Mutex
	var fault func(req *kmsg.OffsetCommitRequest) (kmsg.Response, error)
	var offsets []int64
	b.cluster.ControlKey(commitKey, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		req := kreq.(*kmsg.OffsetCommitRequest)
		mu.Lock()
		offsets = append(offsets, req.Topics[0].Partitions[0].Offset)
		f := fault
		fault = nil
		mu.Unlock()
		if f == nil {
			return nil, nil, false
		}
		res, err := f(req)
		return res, err, true
	})
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	var want []string
	for name, f := range unknown {
		mu.Lock()
		fault = f
		before := len(offsets)
		mu.Unlock()
		want = append(want, name)
		b.Publish(name)
		r.Want(want...)
		consumertest.Eventually(t, "the commit of "+name+" is made again", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return fault == nil && len(offsets) >= before+2 && offsets[len(offsets)-1] == int64(len(want))
		})
	}
	r.Stop()
	if !slices.IsSorted(offsets) {
		t.Errorf("what was committed goes back: %v", offsets)
	}
	if n := int(counterValue(k)); n != 1 {
		t.Errorf("%d generations: the membership was lost", n)
	}
	b.Publish("last")
	c := b.config()
	c.StartAt = "latest"
	last := consumertest.Read(t, b.openWith(c), consumertest.AckAll)
	last.Want("last")
	last.Stop()
}

// commitRefused answers with a code for every partition, and does nothing.
func commitRefused(code int16) func(*kmsg.OffsetCommitRequest) (kmsg.Response, error) {
	return func(req *kmsg.OffsetCommitRequest) (kmsg.Response, error) {
		res := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range req.Topics {
			t := kmsg.NewOffsetCommitResponseTopic()
			t.Topic = topic.Topic
			for _, p := range topic.Partitions {
				answer := kmsg.NewOffsetCommitResponseTopicPartition()
				answer.Partition, answer.ErrorCode = p.Partition, code
				t.Partitions = append(t.Partitions, answer)
			}
			res.Topics = append(res.Topics, t)
		}
		return res, nil
	}
}

// The group's coordinator moves again and again, between commits: it is found, the membership goes on, and nothing is
// read twice.
func TestKafkaCoordinatorMoves(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.NumBrokers(3))
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	var want []string
	for i := range longtest.Either(2, 4) {
		want = append(want, fmt.Sprint(i))
		b.Publish(want[i])
		r.Want(want...)
		consumertest.Eventually(t, "the offset is committed",
			func() bool { return b.offsets(b.config())[0].Committed == int64(i+1) })
		for old := b.cluster.CoordinatorFor(k.config.Group); b.cluster.CoordinatorFor(k.config.Group) == old; {
			b.cluster.RehashCoordinators()
		}
		refused := k.failures(reasonBroker)
		consumertest.Eventually(t, "the old coordinator refuses",
			func() bool { return k.failures(reasonBroker) > refused })
	}
	b.Publish("last")
	r.Want(append(want, "last")...)
	r.Stop()
	if got := b.offsets(b.config())[0].Committed; got != int64(len(want)+1) {
		t.Errorf("%d is committed", got)
	}
	if n := int(counterValue(k)); n != 1 {
		t.Errorf("%d generations: the membership was lost", n)
	}
}
