// Package topicpattern is what a pattern of topics means, so that which topics are read, which envelope their events
// have, and whether the dead letters are among them are never decided differently. It has no state.
package topicpattern

import "regexp"

// Compile reads a pattern: a regular expression of the whole name, in the syntax of RE2.
func Compile(text string) (*regexp.Regexp, error) { return regexp.Compile(`^(?:` + text + `)$`) }
