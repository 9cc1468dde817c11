package deadletter

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
)

// The headers of a letter, which tell of its first failure. Each stored letter carries all of them once, behind the
// headers of the original record, from which the same names are taken out: a letter that becomes a letter again does
// not grow. Values are UTF-8 text, numbers included.
const (
	headerLetter     = "ciobridge-letter"          // the identity: the ULID of the failed call
	headerReason     = "ciobridge-reason"          // one of event.Reasons
	headerField      = "ciobridge-field"           // where in the rule or the call
	headerDetail     = "ciobridge-detail"          // what happened, in the bridge's own words
	headerStage      = "ciobridge-stage"           // consumer, mapping, delivery or report
	headerRule       = "ciobridge-rule"            // empty: failed before any rule
	headerCall       = "ciobridge-call"            // empty: failed before the rule's calls
	headerAttempts   = "ciobridge-attempts"        // requests that were made, and replays that failed before one
	headerStatus     = "ciobridge-status"          // the HTTP status, 0 where there was none
	headerEventID    = "ciobridge-event-id"        // a ULID that all letters of one event share
	headerFirst      = "ciobridge-first-failed-at" // RFC 3339
	headerConfigHash = "ciobridge-config-hash"     // of the configuration that failed
	headerOrigin     = "ciobridge-origin"          // see formatOrigin
)

// The headers that Kafka Connect gives to its dead letters, so that existing tools can filter ours too.
const (
	connectTopic     = "__connect.errors.topic"
	connectPartition = "__connect.errors.partition"
	connectOffset    = "__connect.errors.offset"
	connectStage     = "__connect.errors.stage"
	connectClass     = "__connect.errors.exception.class.name"
	connectMessage   = "__connect.errors.exception.message"
)

// Headers that only some records carry.
const (
	headerItem       = "ciobridge-item"        // the number of the event among those of its record, from 1
	headerPersons    = "ciobridge-person-hash" // digests of the identifiers of persons whom the event concerns
	headerRepairs    = "ciobridge-repairs"     // of a repaired copy: the letter that it stands for, and its event
	headerFailures   = "ciobridge-failures"    // the failures behind the first one, see encodeFailures
	headerTruncated  = "ciobridge-cut"         // bytes and SHA-256 of a value that was too long to be kept whole
	HeaderTombstone  = "ciobridge-tombstone"   // the original value was null and the store has no null
	HeaderKey        = "ciobridge-key"         // the original key in base64, where the store has no keys
	HeaderOriginals  = "ciobridge-headers"     // headers that the store cannot hold or would obey, as base64 of JSON
	HeaderSealed     = "ciobridge-sealed"      // the id of the key under which the record is sealed
	HeaderMoved      = "ciobridge-moved"       // of a record that a purge wrote again: where and when it first stood
	headerResolves   = "ciobridge-resolves"    // on a resolution: the identities of its letters, with spaces between
	headerResolution = "ciobridge-resolution"  // on a resolution: its kind
	headerNote       = "ciobridge-note"        // on a resolution: why
	headerResolvedAt = "ciobridge-resolved-at" // on a resolution: RFC 3339
)

var ownHeaders = map[string]bool{
	headerLetter: true, headerReason: true, headerField: true, headerDetail: true, headerStage: true, headerRule: true,
	headerCall: true, headerAttempts: true, headerStatus: true, headerEventID: true, headerFirst: true,
	headerConfigHash: true, headerOrigin: true,

	connectTopic: true, connectPartition: true, connectOffset: true, connectStage: true, connectClass: true,
	connectMessage: true,

	headerItem: true, headerRepairs: true, headerPersons: true,

	headerFailures: true, headerTruncated: true, HeaderTombstone: true, HeaderKey: true, HeaderOriginals: true,
	HeaderMoved: true, HeaderSealed: true,
	headerResolves: true, headerResolution: true, headerNote: true, headerResolvedAt: true,
}

// IsOwnHeader reports whether a header is one of the bridge's own, which tell of a failure and not of the event.
func IsOwnHeader(name string) bool { return ownHeaders[name] }

// withoutOwn returns the headers that the original record came with.
func withoutOwn(headers []event.Header, room int) []event.Header {
	kept := make([]event.Header, 0, len(headers)+room)
	for _, h := range headers {
		if !ownHeaders[h.Key] {
			kept = append(kept, h)
		}
	}
	return kept
}

// maxDetail and maxField bound the two headers that can be long. Both are for people; nothing is matched by them.
const (
	maxDetail = 1024
	maxField  = 256
)

// printable makes a text fit for a header of any store: valid UTF-8 of one line and at most limit bytes.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		s = s[:limit]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return strings.TrimSpace(s)
}
