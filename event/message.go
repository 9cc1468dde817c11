package event

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Message is one record as it was read from a broker.
//
// Key, Value and the values of Headers may point into a buffer of the reader and are valid until the message is acked,
// that is, until the done function that came with it has been called. Whoever needs them longer copies them.
type Message struct {
	Origin  Origin
	Key     []byte
	Value   []byte // nil for a Kafka tombstone, which is not the same as empty
	Headers []Header
	Time    time.Time // the broker's time for the record; zero where it has none

	// Content is what Value and Key hold, where a schema says how to read them. Nil means that they are read as they
	// are.
	Content *Content

	// Ref is the source's own reference to the message: what it set comes back in every copy of the message, such as
	// the one in a FailedMessage. It means something to the source alone, and nobody else looks at it. Most sources
	// need none.
	Ref any

	// Trace is by what the message is followed; 0 where nobody does.
	Trace Trace

	// Skip is why nothing came of the message, once it is mapped; 0 where something did.
	Skip Skip
}

// A Trace is the number by which package tracing finds the span of a message and of its calls. It is no larger than
// what is free in a [Call] anyway, of which there are many.
type Trace int32

// Content is what a value and a key hold, as JSON; nil for the one that is read as it is.
type Content struct {
	Value, Key []byte
	// Unreadable says in the bridge's own words why one of them cannot be turned into JSON. It is empty if they can.
	Unreadable string
}

// ValueContent is what a schema reads of the value; nil where none does.
func (m *Message) ValueContent() []byte {
	if m.Content == nil {
		return nil
	}
	return m.Content.Value
}

// KeyContent is what a schema reads of the key; nil where none does.
func (m *Message) KeyContent() []byte {
	if m.Content == nil {
		return nil
	}
	return m.Content.Key
}

// Unreadable says why the value or the key cannot be read as its schema says; it is empty where they can.
func (m *Message) Unreadable() string {
	if m.Content == nil {
		return ""
	}
	return m.Content.Unreadable
}

// KeyText is the key as JSON, where a schema says how to read it, and else the key.
func (m *Message) KeyText() []byte {
	if content := m.KeyContent(); content != nil {
		return content
	}
	return m.Key
}

// Size is the number of bytes that the message's own content takes: key, value and headers.
func (m *Message) Size() int {
	n := len(m.Key) + len(m.Value) + cap(m.ValueContent()) + cap(m.KeyContent())
	for i := range m.Headers {
		n += len(m.Headers[i].Key) + len(m.Headers[i].Value)
	}
	return n
}

// Forms say in which form values and keys are, as package content names forms. Empty is the same as json: they are
// read as they are.
type Forms struct{ Value, Key string }

// Header is one header of a record. Kafka allows the same key several times; order is kept.
type Header struct {
	Key   string
	Value []byte
}

// Origin says where a message stood in its broker. Two messages with the same origin are the same message only as
// long as the topic or stream has not been deleted and made again, which is why an identity never rests on it
// alone.
type Origin struct {
	Topic     string // the Kafka topic, or the name of the JetStream stream
	Subject   string // the JetStream subject; empty for Kafka
	Partition int32  // 0 for JetStream
	Offset    int64  // the Kafka offset, or the JetStream stream sequence
}

// String renders the origin as topic/partition@offset, the form used in logs and on the command line.
func (o Origin) String() string {
	b := make([]byte, 0, len(o.Topic)+24)
	b = append(b, o.Topic...)
	b = append(b, '/')
	b = strconv.AppendInt(b, int64(o.Partition), 10)
	b = append(b, '@')
	b = strconv.AppendInt(b, o.Offset, 10)
	return string(b)
}

var errOrigin = errors.New("want TOPIC/PARTITION@OFFSET, such as shop.orders/3@1200")

// ParseOrigin reads what String renders.
func ParseOrigin(text string) (Origin, error) {
	at, slash := strings.LastIndexByte(text, '@'), -1
	if at > 0 {
		slash = strings.LastIndexByte(text[:at], '/')
	}
	if slash > 0 {
		partition, errPartition := strconv.ParseInt(text[slash+1:at], 10, 32)
		offset, errOffset := strconv.ParseInt(text[at+1:], 10, 64)
		if errors.Join(errPartition, errOffset) == nil && partition >= 0 && offset >= 0 {
			return Origin{Topic: text[:slash], Partition: int32(partition), Offset: offset}, nil
		}
	}
	return Origin{}, errOrigin
}
