package wire

import "encoding/binary"

// The Fetch request in the versions 4 (Kafka 0.11, the first with transactions) to 11 (the last without compact
// encodings). Kafka 4 takes both. https://kafka.apache.org/protocol.html#The_Messages_Fetch
const (
	fetchKey      = 1
	OldestFetch   = 4
	NewestFetch   = 11
	readCommitted = 1
)

// FetchPartition is what one request asks of one partition.
type FetchPartition struct {
	Topic     string
	Partition int32
	Offset    int64
	Bytes     int32 // the broker gives at least one batch of the first partition that has something, however large
}

// FetchRequest is one Fetch, for several partitions of one broker. Partitions of a topic stand together.
type FetchRequest struct {
	Version     int16
	Correlation int32
	MaxWait     int32 // milliseconds that the broker may wait when it has nothing
	MaxBytes    int32
	Partitions  []FetchPartition
}

// AppendTo encodes the request, its size included.
func (r *FetchRequest) AppendTo(b []byte, client string) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint16(b, fetchKey)
	b = binary.BigEndian.AppendUint16(b, uint16(r.Version))
	b = binary.BigEndian.AppendUint32(b, uint32(r.Correlation))
	b = appendString(b, client)
	b = appendInt32(b, -1) // replica: none, a consumer
	b = appendInt32(b, r.MaxWait)
	b = appendInt32(b, 1) // answer as soon as there is anything
	b = appendInt32(b, r.MaxBytes)
	b = append(b, readCommitted)
	if r.Version >= 7 {
		b = appendInt32(b, 0)  // no fetch session
		b = appendInt32(b, -1) // nor the wish for one
	}
	count := len(b)
	b = appendInt32(b, 0)
	topics := int32(0)
	for i := 0; i < len(r.Partitions); topics++ {
		n := i
		for n < len(r.Partitions) && r.Partitions[n].Topic == r.Partitions[i].Topic {
			n++
		}
		b = appendString(b, r.Partitions[i].Topic)
		b = appendInt32(b, int32(n-i))
		for ; i < n; i++ {
			b = r.appendPartition(b, &r.Partitions[i])
		}
	}
	binary.BigEndian.PutUint32(b[count:], uint32(topics))
	if r.Version >= 7 {
		b = appendInt32(b, 0) // nothing to forget
	}
	if r.Version >= 11 {
		b = appendString(b, "") // no rack: always the leader
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

func (r *FetchRequest) appendPartition(b []byte, p *FetchPartition) []byte {
	b = appendInt32(b, p.Partition)
	if r.Version >= 9 {
		b = appendInt32(b, -1) // whatever the leader's epoch
	}
	b = binary.BigEndian.AppendUint64(b, uint64(p.Offset))
	if r.Version >= 5 {
		b = binary.BigEndian.AppendUint64(b, ^uint64(0)) // log start: followers only
	}
	return appendInt32(b, p.Bytes)
}

func appendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}
