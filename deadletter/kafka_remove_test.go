package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

func numbered(from, to int) (ids []event.ID) {
	for n := from; n < to; n++ {
		ids = append(ids, lettertest.ID(n))
	}
	return ids
}

// shown is what a log says of some letters, without where they stand.
func shown(t *testing.T, s storetest.Store, from, to int) (text string) {
	t.Helper()
	for n := from; n < to; n++ {
		h, err := logtest.ShowOne(t, s, lettertest.ID(n))
		if err != nil {
			t.Fatalf("letter %d: %v", n, err)
		}
		text += fmt.Sprintf("%d: %d letters, %d resolutions, open %t;", n, len(h.Letters), len(h.Resolutions), h.Open)
		for _, l := range h.Letters {
			text += fmt.Sprintf(" %s %d %s", l.Written.UTC(), l.Failure.Attempts, l.Message.Value)
		}
	}
	return text
}

// A purge that dies before or after any of its requests loses no letter, opens none again and shows none twice. The
// next one does the rest, and leaves no copy behind.
func TestKafkaPurgeDiesAtEachStep(t *testing.T) {
	t.Parallel()
	purged := deadletter.Filter{IDs: numbered(0, 8)}
	for step, done := 0, false; !done; step++ {
		for _, after := range []bool{false, true} {
			cluster := lettertest.StartKafka(t, kfake.SeedTopics(1, "one"))
			s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "one", MaxBytes: 1500})
			lettertest.MustPut(t, s, lettertest.FailedBetween(0, 12)...)
			again := lettertest.Failed(9) // a letter that was written again behind its resolution
			again.Failures[0].Attempts = 3
			discard(t, s, 0, 10)
			lettertest.MustPut(t, s, again)
			before := shown(t, s, 8, 12)

			ctx, die := context.WithCancel(t.Context())
			var requests atomic.Int32
			count := func(kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				if int(requests.Add(1))-1 != step {
					return nil, nil, false
				}
				die()
				return nil, errors.New("the process died"), !after
			}
			cluster.ControlKey(int16(kmsg.Produce), count)
			cluster.ControlKey(int16(kmsg.DeleteRecords), count)
			_, err := deadletter.Purge(ctx, s, purged, false, false)
			if died := ctx.Err() != nil; !died && err != nil {
				t.Fatal(err)
			} else if !died {
				done = true
			}
			die()
			if got := shown(t, s, 8, 12); got != before {
				t.Errorf("step %d, after %t:\n%s\nwant\n%s", step, after, got, before)
			}
			want := append(numbered(10, 12), lettertest.ID(9))
			if open := logtest.Listed(t, s, deadletter.Filter{All: true}); !slices.Equal(open, want) {
				t.Errorf("step %d, after %t: open are %v", step, after, open)
			}
			if _, err := deadletter.Purge(t.Context(), s, purged, false, false); err != nil {
				t.Fatal(err)
			}
			if got := shown(t, s, 8, 12); got != before {
				t.Errorf("step %d, after %t, and another purge:\n%s\nwant\n%s", step, after, got, before)
			}
			for n := range 8 {
				if _, err := deadletter.Show(t.Context(), s, lettertest.ID(n)); !errors.Is(err,
					deadletter.ErrUnknownLetter) {
					t.Errorf("step %d, after %t: letter %d: %v", step, after, n, err)
				}
			}
			for _, r := range standing(t, cluster, "one") {
				if bytes.Contains(r.Value, []byte(`{"n":3,`)) {
					t.Errorf("step %d, after %t: a purged letter is left at %d", step, after, r.Offset)
				}
			}
			cluster.Close()
		}
		if step > 20 {
			t.Fatal("a purge has no end")
		}
	}
}

func discard(t *testing.T, s storetest.Store, from, to int) {
	t.Helper()
	n, err := deadletter.Discard(t.Context(), s, deadletter.Filter{IDs: numbered(from, to)}, "test")
	if n != to-from || err != nil {
		t.Fatalf("%d letters were discarded, %v", n, err)
	}
}

// While letters are purged a bridge writes others, and somebody reads: every scan gives each letter that stays once.
func TestKafkaPurgeBesideABridgeAndAReader(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t)
	cfg := deadletter.Config{Topic: lettertest.Topic, MaxBytes: 4000}
	s, bridge, reader := storetest.Kafka(t, cluster.ListenAddrs(), cfg), storetest.Kafka(t, cluster.ListenAddrs(), cfg),
		storetest.Kafka(t, cluster.ListenAddrs(), cfg)
	const staying = 40
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, staying)...)
	var written atomic.Int64
	written.Store(staying)
	stop := make(chan struct{})
	var scans atomic.Int32
	var beside sync.WaitGroup
	beside.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			n := int(written.Load())
			if n == 600 {
				return
			}
			if err := lettertest.Put(t, bridge, lettertest.Failed(n)); err != nil {
				t.Error(err)
			}
			written.Store(int64(n + 1))
		}
	})
	beside.Go(func() {
		for ; ; scans.Add(1) {
			select {
			case <-stop:
				return
			default:
			}
			before, seen := int(written.Load()), map[event.ID]int{}
			err := reader.Scan(t.Context(), func(r deadletter.Record) error {
				letters, _, err := deadletter.Decode(r)
				for _, l := range letters {
					seen[l.ID()]++
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			for n := range before {
				if n < staying || n%2 == 1 { // the even ones are purged
					if got := seen[lettertest.ID(n)]; got != 1 {
						t.Errorf("letter %d of %d was given %d times", n, before, got)
					}
				}
			}
		}
	})
	for purges := 0; purges < 8 || scans.Load() < 8; purges++ {
		var even []event.ID
		for n := staying; n < int(written.Load())+2; n += 2 {
			even = append(even, lettertest.ID(n))
		}
		if _, err := deadletter.Purge(t.Context(), s, deadletter.Filter{IDs: even}, true, false); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	beside.Wait()
}

// The letters of a person stand in two partitions after the topic was given more of them. However the purge dies, none
// is open again.
func TestKafkaPurgeOverTwoPartitions(t *testing.T) {
	t.Parallel()
	for step := range 6 {
		cluster := lettertest.StartKafka(t, kfake.SeedTopics(1, "grows"))
		cfg := deadletter.Config{Topic: "grows"}
		s := storetest.Kafka(t, cluster.ListenAddrs(), cfg)
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, 7)...)
		grow(t, cluster, "grows", 3)
		s = storetest.Kafka(t, cluster.ListenAddrs(), cfg)
		discard(t, s, 0, 7)
		ctx, die := context.WithCancel(t.Context())
		var deletes atomic.Int32
		cluster.ControlKey(int16(kmsg.DeleteRecords), func(kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			if int(deletes.Add(1))-1 == step {
				die()
			}
			return nil, nil, false
		})
		all := deadletter.Filter{All: true}
		_, err := deadletter.Purge(ctx, s, all, false, false)
		if died := ctx.Err() != nil; !died && err != nil {
			t.Fatal(err)
		}
		die()
		if open := logtest.Listed(t, s, all); len(open) > 0 {
			t.Errorf("died at %d: open are %v", step, open)
		}
		if _, err := deadletter.Purge(t.Context(), s, all, false, false); err != nil {
			t.Fatal(err)
		}
		if letters, notes, _ := logtest.ScanAll(t, s); len(letters)+len(notes) > 0 {
			t.Errorf("died at %d: %d letters and %d notes are left", step, len(letters), len(notes))
		}
		cluster.Close()
	}
}

func grow(t *testing.T, cluster *kfake.Cluster, topic string, partitions int32) {
	t.Helper()
	admin := kafkaClient(t, cluster)
	req := kmsg.NewCreatePartitionsRequest()
	its := kmsg.NewCreatePartitionsRequestTopic()
	its.Topic, its.Count = topic, partitions
	req.Topics = append(req.Topics, its)
	res, err := req.RequestWith(t.Context(), admin)
	if err != nil || res.Topics[0].ErrorCode != 0 {
		t.Fatalf("%v, %+v", err, res)
	}
}

// A mark that means the record of another topic, such as that of a mirror, makes no letter the copy of another one.
func TestKafkaMarksOfAnotherTopic(t *testing.T) {
	t.Parallel()
	cluster := lettertest.StartKafka(t, kfake.SeedTopics(1, "one"))
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "one"})
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, 4)...)
	mark := event.Header{Key: deadletter.HeaderMoved, Value: []byte("1 1790000000000")}
	for n := range 2 { // letters 4 and 5 claim to be the second record
		failed := lettertest.Failed(4 + n)
		putRaw(t, cluster, "one", deadletter.Encode(&failed, lettertest.Time, ""), mark)
	}
	check := func(from int) {
		t.Helper()
		if open := logtest.Listed(t, s, deadletter.Filter{All: true}); len(open) != 6-from {
			t.Errorf("open are %v", open)
		}
	}
	check(0)
	_, err := deadletter.Purge(t.Context(), s, deadletter.Filter{IDs: numbered(0, 1)}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	check(1)
}

// What the cluster does not let the bridge take away stays whole, and the error says what is needed.
func TestKafkaPurgeThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code int16
		want error
		says string
	}{
		"denied": {kerr.TopicAuthorizationFailed.Code, deadletter.ErrDenied, "the operation Delete on the topic"},
		"policy": {kerr.PolicyViolation.Code, deadletter.ErrKeeps, "keep its retention short"},
	} {
		cluster := lettertest.StartKafka(t)
		s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic})
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, 5)...)
		cluster.ControlKey(int16(kmsg.DeleteRecords), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			res := req.ResponseKind().(*kmsg.DeleteRecordsResponse)
			for _, topic := range req.(*kmsg.DeleteRecordsRequest).Topics {
				t := kmsg.NewDeleteRecordsResponseTopic()
				t.Topic = topic.Topic
				p := kmsg.NewDeleteRecordsResponseTopicPartition()
				p.ErrorCode = c.code
				t.Partitions = append(t.Partitions, p)
				res.Topics = append(res.Topics, t)
			}
			return res, nil, true
		})
		_, err := deadletter.Purge(t.Context(), s, deadletter.Filter{All: true}, true, false)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if letters, _, foreign := logtest.ScanAll(t, s); len(letters) != 5 || foreign > 0 {
			t.Errorf("%s: %d letters and %d others are left", name, len(letters), foreign)
		}
	}
}

// A record that has no room for its mark keeps everything where it is.
func TestKafkaPurgeBesideARecordWithoutRoom(t *testing.T) {
	cluster := lettertest.StartKafka(t, kfake.SeedTopics(1, "one"))
	s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "one"})
	lettertest.MustPut(t, s, lettertest.FailedBetween(0, 5)...)
	refused := lettertest.RefuseProduce(cluster, kerr.MessageTooLarge.Code,
		func(*kmsg.ProduceRequest) bool { return true })
	last := deadletter.Filter{IDs: numbered(4, 5)}
	_, err := deadletter.Purge(t.Context(), s, last, true, false)
	if !errors.Is(err, deadletter.ErrTooLarge) || !strings.Contains(err.Error(), "raise max.message.bytes") ||
		refused.Load() == 0 {
		t.Errorf("got %v with %d refusals", err, refused.Load())
	}
	if letters, _, _ := logtest.ScanAll(t, s); len(letters) != 5 {
		t.Errorf("%d letters are left", len(letters))
	}
}
