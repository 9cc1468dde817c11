// Package topicpattern is what names and patterns of topics are, so that which topics there can be, which are read,
// which envelope their events have, and whether the dead letters are among them are never decided differently; and what
// names of buckets and subjects are. It has no state.
package topicpattern

import "regexp"

var name = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// IsName reports whether Kafka takes a text as the name of a topic.
func IsName(text string) bool {
	return len(text) <= 249 && name.MatchString(text) && text != "." && text != ".."
}

var (
	bucket  = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	subject = regexp.MustCompile(`^[^\s.*>]+(\.[^\s.*>]+)*$`)
)

// IsBucket reports whether NATS takes a text as the name of a key-value bucket.
func IsBucket(text string) bool { return bucket.MatchString(text) }

// IsSubject reports whether a text is a NATS subject to publish to: tokens with dots between them, and no wildcard.
func IsSubject(text string) bool { return subject.MatchString(text) }

// Compile reads a pattern: a regular expression of the whole name, in the syntax of RE2.
func Compile(text string) (*regexp.Regexp, error) { return regexp.Compile(`^(?:` + text + `)$`) }
