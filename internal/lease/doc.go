// Package lease makes the context under which a source hands over messages: the right to read, for as long as it
// lasts.
//
// It owns the end of that right: that everybody who registered is told, and is waited for up to a limit. What proves
// the right is the source's business.
package lease
