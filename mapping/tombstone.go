package mapping

import (
	"bytes"

	"github.com/ciobridge/ciobridge/event"
)

// tombstone says in which way a record holds no event, or "" where it holds something: it has no value or an empty one,
// its value is null, or it says that an entry of a key-value bucket or the last message of a subject is gone.
func tombstone(m *event.Message) string {
	if m.Value == nil {
		return "the record has no value (a tombstone)"
	}
	if m.Origin.Subject != "" && isRemoval(m.Headers) {
		return "the message marks the removal of what its subject held"
	}
	if len(m.Value) > 0 && m.Value[0] == '{' {
		return ""
	}
	switch string(trimSpace(m.Value)) {
	case "":
		return recordsValue + " is empty"
	case "null":
		return recordsValue + " is null"
	}
	return ""
}

// isRemoval reports whether the headers of a JetStream message are those of a removal: by a client of a key-value
// bucket, or by the server, for its limits.
func isRemoval(headers []event.Header) bool {
	for i := range headers {
		switch headers[i].Key {
		case "KV-Operation":
			if v := string(headers[i].Value); v == "DEL" || v == "PURGE" {
				return true
			}
		case "Nats-Marker-Reason":
			if v := string(headers[i].Value); v == "MaxAge" || v == "Purge" || v == "Remove" {
				return true
			}
		}
	}
	return false
}

// trimSpace takes the white space of JSON from both ends.
func trimSpace(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }
