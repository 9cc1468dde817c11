package kafka

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func sampleRequest(version int16) fetchRequest {
	return fetchRequest{version: version, correlation: 77, maxWait: 500, maxBytes: 4096, partitions: []wanted{
		{topic: "a", partition: 0, offset: 12, bytes: 1024}, {topic: "a", partition: 3, offset: 1 << 40, bytes: 2048},
		{topic: "b", partition: 1, offset: 0, bytes: 1024},
	}}
}

// In every version the request has exactly the bytes that another implementation of the protocol writes.
func TestFetchRequestAgainstAnotherImplementation(t *testing.T) {
	for version := int16(fetchOldest); version <= fetchNewest; version++ {
		r := sampleRequest(version)
		want := kmsg.NewFetchRequest()
		want.Version = version
		want.ReplicaID, want.MaxWaitMillis, want.MinBytes, want.MaxBytes = -1, 500, 1, 4096
		want.IsolationLevel, want.SessionID, want.SessionEpoch = 1, 0, -1
		for _, p := range r.partitions {
			if n := len(want.Topics); n == 0 || want.Topics[n-1].Topic != p.topic {
				topic := kmsg.NewFetchRequestTopic()
				topic.Topic = p.topic
				want.Topics = append(want.Topics, topic)
			}
			partition := kmsg.NewFetchRequestTopicPartition()
			partition.Partition, partition.FetchOffset, partition.PartitionMaxBytes = p.partition, p.offset, p.bytes
			partition.CurrentLeaderEpoch, partition.LogStartOffset = -1, -1
			topic := &want.Topics[len(want.Topics)-1]
			topic.Partitions = append(topic.Partitions, partition)
		}
		expected := kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, &want, 77)
		if got := r.appendTo(nil, "me"); !bytes.Equal(got, expected) {
			t.Errorf("version %d:\n%x, want\n%x", version, got, expected)
		}
	}
}

// sampleAnswer is the answer to sampleRequest, as another implementation writes it.
func sampleAnswer(version int16, set []byte) []byte {
	res := kmsg.NewFetchResponse()
	res.Version = version
	res.SessionID = 0
	for _, p := range sampleRequest(version).partitions {
		if n := len(res.Topics); n == 0 || res.Topics[n-1].Topic != p.topic {
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = p.topic
			res.Topics = append(res.Topics, topic)
		}
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.Partition, partition.HighWatermark, partition.LastStableOffset, partition.LogStartOffset = p.partition, 1000+int64(p.partition), 999, 1
		partition.PreferredReadReplica = -1
		if p.topic == "b" {
			partition.ErrorCode = 6
		} else {
			partition.RecordBatches = set
			partition.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 5, FirstOffset: 70}}
		}
		topic := &res.Topics[len(res.Topics)-1]
		topic.Partitions = append(topic.Partitions, partition)
	}
	body := res.AppendTo(binary.BigEndian.AppendUint32(nil, 77))
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestFetchAnswerAgainstAnotherImplementation(t *testing.T) {
	for version := int16(fetchOldest); version <= fetchNewest; version++ {
		r := sampleRequest(version)
		answer := append(sampleAnswer(version, []byte("batches")), "the next answer"...)
		in := bufio.NewReader(bytes.NewReader(answer))
		var seen []int
		err := r.readAnswer(in, 1<<20, func(i int, f fetched) {
			seen = append(seen, i)
			w := r.partitions[i]
			if f.highWater != 1000+int64(w.partition) {
				t.Errorf("version %d: high watermark %d", version, f.highWater)
			}
			if w.topic == "b" {
				if f.code != 6 || f.set != nil {
					t.Errorf("version %d: code %d, set %v", version, f.code, f.set)
				}
				return
			}
			if f.code != 0 || string(f.set.Bytes) != "batches" || !slices.Equal(f.aborted, []abortedRange{{5, 70}}) {
				t.Errorf("version %d: code %d, set %q, aborted %v", version, f.code, f.set.Bytes, f.aborted)
			}
		})
		if err != nil || !slices.Equal(seen, []int{0, 1, 2}) {
			t.Errorf("version %d: partitions %v, %v", version, seen, err)
		}
		if rest, _ := io.ReadAll(in); string(rest) != "the next answer" {
			t.Errorf("version %d: left %q", version, rest)
		}
	}
}

func TestFetchAnswerWithALargeSet(t *testing.T) {
	r := sampleRequest(fetchNewest)
	codes := map[int]int16{}
	err := r.readAnswer(bufio.NewReader(bytes.NewReader(sampleAnswer(fetchNewest, make([]byte, 5000)))), 4096, func(i int, f fetched) {
		codes[i] = f.code
		if f.set != nil {
			t.Errorf("partition %d: a set of %d bytes was taken", i, len(f.set.Bytes))
		}
	})
	if err != nil || codes[0] != codeTooLarge || codes[2] != 6 {
		t.Fatalf("codes %v, %v", codes, err)
	}
}

func TestFetchAnswerCutShort(t *testing.T) {
	answer := sampleAnswer(fetchNewest, []byte("batches"))
	for n := range len(answer) {
		r := sampleRequest(fetchNewest)
		if err := r.readAnswer(bufio.NewReader(bytes.NewReader(answer[:n])), 1<<20, func(_ int, _ fetched) {}); err == nil {
			t.Fatalf("an answer cut at %d bytes is taken as whole", n)
		}
	}
}

func FuzzFetchAnswer(f *testing.F) {
	for version := int16(fetchOldest); version <= fetchNewest; version++ {
		f.Add(version, sampleAnswer(version, sampleBatch(0).encode()))
	}
	f.Fuzz(func(t *testing.T, version int16, b []byte) {
		r := sampleRequest(min(max(version, fetchOldest), fetchNewest))
		if len(b) >= 8 {
			binary.BigEndian.PutUint32(b, uint32(len(b)-4))
			binary.BigEndian.PutUint32(b[4:], 77)
		}
		err := r.readAnswer(bufio.NewReader(bytes.NewReader(b)), 1<<16, func(i int, f fetched) {
			if i < 0 || i >= len(r.partitions) {
				t.Fatalf("partition %d", i)
			}
			if f.set != nil && len(f.set.Bytes) > 1<<16 {
				t.Fatalf("a set of %d bytes", len(f.set.Bytes))
			}
		})
		if err == nil && len(b) < 8 {
			t.Fatal("nothing was an answer")
		}
		var none *corruptError
		if errors.As(err, &none) {
			t.Fatal("a damaged answer is not a damaged record")
		}
	})
}
