package kafka

import "encoding/binary"

// The Fetch request in the versions 4 (Kafka 0.11, the first with transactions) to 11 (the last without compact encodings). Kafka 4
// takes both. https://kafka.apache.org/protocol.html#The_Messages_Fetch
const (
	fetchKey      = 1
	fetchOldest   = 4
	fetchNewest   = 11
	readCommitted = 1
)

// wanted is what one request asks of one partition.
type wanted struct {
	topic     string
	partition int32
	offset    int64
	bytes     int32 // the broker gives at least one batch of the first partition that has something, however large
}

// fetchRequest is one Fetch, for several partitions of one broker. Partitions of a topic stand together.
type fetchRequest struct {
	version     int16
	correlation int32
	maxWait     int32 // milliseconds that the broker may wait when it has nothing
	maxBytes    int32
	partitions  []wanted
}

// appendTo encodes the request, its size included.
func (r *fetchRequest) appendTo(b []byte, client string) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint16(b, fetchKey)
	b = binary.BigEndian.AppendUint16(b, uint16(r.version))
	b = binary.BigEndian.AppendUint32(b, uint32(r.correlation))
	b = appendString(b, client)
	b = appendInt32(b, -1) // replica: none, a consumer
	b = appendInt32(b, r.maxWait)
	b = appendInt32(b, 1) // answer as soon as there is anything
	b = appendInt32(b, r.maxBytes)
	b = append(b, readCommitted)
	if r.version >= 7 {
		b = appendInt32(b, 0)  // no fetch session
		b = appendInt32(b, -1) // nor the wish for one
	}
	count := len(b)
	b = appendInt32(b, 0)
	topics := int32(0)
	for i := 0; i < len(r.partitions); topics++ {
		n := i
		for n < len(r.partitions) && r.partitions[n].topic == r.partitions[i].topic {
			n++
		}
		b = appendString(b, r.partitions[i].topic)
		b = appendInt32(b, int32(n-i))
		for ; i < n; i++ {
			b = r.appendPartition(b, &r.partitions[i])
		}
	}
	binary.BigEndian.PutUint32(b[count:], uint32(topics))
	if r.version >= 7 {
		b = appendInt32(b, 0) // nothing to forget
	}
	if r.version >= 11 {
		b = appendString(b, "") // no rack: always the leader
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

func (r *fetchRequest) appendPartition(b []byte, p *wanted) []byte {
	b = appendInt32(b, p.partition)
	if r.version >= 9 {
		b = appendInt32(b, -1) // whatever the leader's epoch
	}
	b = binary.BigEndian.AppendUint64(b, uint64(p.offset))
	if r.version >= 5 {
		b = binary.BigEndian.AppendUint64(b, ^uint64(0)) // log start: followers only
	}
	return appendInt32(b, p.bytes)
}

func appendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}
