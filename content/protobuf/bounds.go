package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// maxMessages is how many messages may stand in one, which take some hundred bytes each when they are read.
	maxMessages = 20_000
	// fewBytes cannot hold many more than that.
	fewBytes = 64 << 10
)

// holdsTooMany reports whether a value holds more messages than may be read. Two bytes are enough for one, so that 1
// MiB would take 100.
func holdsTooMany(data []byte, d protoreflect.MessageDescriptor) bool {
	return len(data) > fewBytes && remaining(data, d, maxMessages, 0) < 0
}

// remaining is what is left of a number of messages after those in data; below zero, there are too many. What is no
// Protobuf is told by who reads it.
func remaining(data []byte, d protoreflect.MessageDescriptor, n, depth int) int {
	for len(data) > 0 && n >= 0 && depth <= maxDepth {
		number, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return n
		}
		data = data[size:]
		if size = protowire.ConsumeFieldValue(number, kind, data); size < 0 {
			return n
		}
		if f := d.Fields().ByNumber(number); f != nil && f.Message() != nil {
			n--
			inside := data[:size]
			if kind == protowire.BytesType {
				inside, _ = protowire.ConsumeBytes(inside)
			}
			n = remaining(inside, f.Message(), n, depth+1)
		}
		data = data[size:]
	}
	return n
}
