package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/internal/recordtest"
)

func sampleRequest(version int16) FetchRequest {
	return FetchRequest{Version: version, Correlation: 77, MaxWait: 500, MaxBytes: 4096, Partitions: []FetchPartition{
		{Topic: "a", Partition: 0, Offset: 12, Bytes: 1024}, {Topic: "a", Partition: 3, Offset: 1 << 40, Bytes: 2048},
		{Topic: "b", Partition: 1, Offset: 0, Bytes: 1024},
	}}
}

// In every version the request has exactly the bytes that another implementation of the protocol writes.
func TestFetchRequestAgainstAnotherImplementation(t *testing.T) {
	for version := int16(OldestFetch); version <= NewestFetch; version++ {
		r := sampleRequest(version)
		want := kmsg.NewFetchRequest()
		want.Version = version
		want.ReplicaID, want.MaxWaitMillis, want.MinBytes, want.MaxBytes = -1, 500, 1, 4096
		want.IsolationLevel, want.SessionID, want.SessionEpoch = 1, 0, -1
		for _, p := range r.Partitions {
			if n := len(want.Topics); n == 0 || want.Topics[n-1].Topic != p.Topic {
				topic := kmsg.NewFetchRequestTopic()
				topic.Topic = p.Topic
				want.Topics = append(want.Topics, topic)
			}
			partition := kmsg.NewFetchRequestTopicPartition()
			partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = p.Partition, p.Offset, p.Bytes
			partition.CurrentLeaderEpoch, partition.LogStartOffset = -1, -1
			topic := &want.Topics[len(want.Topics)-1]
			topic.Partitions = append(topic.Partitions, partition)
		}
		expected := kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, &want, 77)
		if got := r.AppendTo(nil, "me"); !bytes.Equal(got, expected) {
			t.Errorf("version %d:\n%x, want\n%x", version, got, expected)
		}
	}
}

// sampleAnswer is the answer to sampleRequest, as another implementation writes it.
func sampleAnswer(version int16, set []byte) []byte {
	res := kmsg.NewFetchResponse()
	res.Version = version
	res.SessionID = 0
	for _, p := range sampleRequest(version).Partitions {
		if n := len(res.Topics); n == 0 || res.Topics[n-1].Topic != p.Topic {
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = p.Topic
			res.Topics = append(res.Topics, topic)
		}
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.Partition, partition.HighWatermark = p.Partition, 1000+int64(p.Partition)
		partition.LastStableOffset, partition.LogStartOffset = 999, 1
		partition.PreferredReadReplica = -1
		if p.Topic == "b" {
			partition.ErrorCode = 6
		} else {
			partition.RecordBatches = set
			partition.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 5,
				FirstOffset: 70}}
		}
		topic := &res.Topics[len(res.Topics)-1]
		topic.Partitions = append(topic.Partitions, partition)
	}
	body := res.AppendTo(binary.BigEndian.AppendUint32(nil, 77))
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestFetchAnswerAgainstAnotherImplementation(t *testing.T) {
	for version := int16(OldestFetch); version <= NewestFetch; version++ {
		r := sampleRequest(version)
		answer := append(sampleAnswer(version, []byte("batches")), "the next answer"...)
		in := bufio.NewReader(bytes.NewReader(answer))
		var seen []int
		fetched, err := r.ReadAnswer(in, 1<<20, nil)
		for _, f := range fetched {
			seen = append(seen, f.Index)
			w := r.Partitions[f.Index]
			if f.HighWater != 1000+int64(w.Partition) {
				t.Errorf("version %d: high watermark %d", version, f.HighWater)
			}
			if w.Topic == "b" {
				if f.Code != 6 || f.Set != nil {
					t.Errorf("version %d: code %d, set %v", version, f.Code, f.Set)
				}
				continue
			}
			if f.Code != 0 || string(f.Set.Bytes) != "batches" || !slices.Equal(f.Aborted, []AbortedRange{{5, 70}}) {
				t.Errorf("version %d: code %d, set %q, aborted %v", version, f.Code, f.Set.Bytes, f.Aborted)
			}
		}
		if err != nil || !slices.Equal(seen, []int{0, 1, 2}) {
			t.Errorf("version %d: partitions %v, %v", version, seen, err)
		}
		if rest, _ := io.ReadAll(in); string(rest) != "the next answer" {
			t.Errorf("version %d: left %q", version, rest)
		}
	}
}

func TestFetchAnswerWithALargeSet(t *testing.T) {
	r := sampleRequest(NewestFetch)
	codes := map[int]int16{}
	fetched, err := r.ReadAnswer(bufio.NewReader(bytes.NewReader(sampleAnswer(NewestFetch, make([]byte, 5000)))), 4096,
		nil)
	for _, f := range fetched {
		codes[f.Index] = f.Code
		if f.Set != nil {
			t.Errorf("partition %d: a set of %d bytes was taken", f.Index, len(f.Set.Bytes))
		}
	}
	if err != nil || codes[0] != CodeTooLarge || codes[2] != 6 {
		t.Fatalf("codes %v, %v", codes, err)
	}
}

func TestFetchAnswerCutShort(t *testing.T) {
	answer := sampleAnswer(NewestFetch, []byte("batches"))
	for n := range len(answer) {
		r := sampleRequest(NewestFetch)
		if _, err := r.ReadAnswer(bufio.NewReader(bytes.NewReader(answer[:n])), 1<<20, nil); err == nil {
			t.Fatalf("an answer cut at %d bytes is taken as whole", n)
		}
	}
}

func FuzzFetchAnswer(f *testing.F) {
	for version := int16(OldestFetch); version <= NewestFetch; version++ {
		f.Add(version, sampleAnswer(version, recordtest.SampleBatch(0).Encode()))
	}
	f.Fuzz(func(t *testing.T, version int16, b []byte) {
		r := sampleRequest(min(max(version, OldestFetch), NewestFetch))
		if len(b) >= 8 {
			binary.BigEndian.PutUint32(b, uint32(len(b)-4))
			binary.BigEndian.PutUint32(b[4:], 77)
		}
		fetched, err := r.ReadAnswer(bufio.NewReader(bytes.NewReader(b)), 1<<16, nil)
		for _, f := range fetched {
			if f.Index < 0 || f.Index >= len(r.Partitions) {
				t.Fatalf("partition %d", f.Index)
			}
			if f.Set != nil && len(f.Set.Bytes) > 1<<16 {
				t.Fatalf("a set of %d bytes", len(f.Set.Bytes))
			}
		}
		if err == nil && len(b) < 8 {
			t.Fatal("nothing was an answer")
		}
		var none *CorruptError
		if errors.As(err, &none) {
			t.Fatal("a damaged answer is not a damaged record")
		}
	})
}
