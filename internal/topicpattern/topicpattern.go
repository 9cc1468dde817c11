// Package topicpattern is what names and patterns of topics are, so that which topics there can be, which are read,
// which envelope their events have, and whether the dead letters are among them are never decided differently. It has
// no state.
package topicpattern

import "regexp"

var name = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// IsName reports whether Kafka takes a text as the name of a topic.
func IsName(text string) bool { return name.MatchString(text) && text != "." && text != ".." }

// Compile reads a pattern: a regular expression of the whole name, in the syntax of RE2.
func Compile(text string) (*regexp.Regexp, error) { return regexp.Compile(`^(?:` + text + `)$`) }
