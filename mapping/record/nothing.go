package record

import (
	"bytes"

	"github.com/ciobridge/ciobridge/event"
)

// Nothing is a form in which a record holds no event. The zero Nothing says that there is something.
type Nothing struct {
	Operation string // the word for rules; see Empty
	Detail    string // the form in words
}

const marked = "the message marks the removal of what its subject held"

// Null is a document that is null, wherever in the record it stands; detail says where.
func Null(detail string) Nothing { return Nothing{"null", detail} }

// Empty says in which form a record holds nothing. Content is its value, or the document that was found in that, and
// where says which of them. The operations are tombstone for no value at all, empty, null, and for what a message of
// JetStream marks: delete or purge of a key-value bucket or by an operator, and expire for a message whose time to live
// is over.
func Empty(m *event.Message, content []byte, where string) Nothing {
	if m.Origin.Subject != "" {
		if operation := removal(m.Headers); operation != "" {
			return Nothing{operation, marked}
		}
	}
	if content == nil {
		return Nothing{"tombstone", "the record has no value (a tombstone)"}
	}
	if len(content) > 0 && content[0] == '{' {
		return Nothing{}
	}
	switch string(TrimSpace(content)) {
	case "":
		return Nothing{"empty", where + " is empty"}
	case "null":
		return Null(where + " is null")
	}
	return Nothing{}
}

// removal gives the operation that the headers of a JetStream message mark: by a client of a key-value bucket, or by
// the server, for its limits.
func removal(headers []event.Header) string {
	for i := range headers {
		switch headers[i].Key {
		case "KV-Operation":
			switch string(headers[i].Value) {
			case "DEL":
				return "delete"
			case "PURGE":
				return "purge"
			}
		case "Nats-Marker-Reason":
			switch string(headers[i].Value) {
			case "MaxAge":
				return "expire"
			case "Purge":
				return "purge"
			case "Remove":
				return "delete"
			}
		}
	}
	return ""
}

// TrimSpace takes the white space of JSON from both ends.
func TrimSpace(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }
