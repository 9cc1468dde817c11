// Package people tells which people a bridge has not met before, and counts them by rule, so that a rule that makes a
// person of every order is noticed before it has made many.
//
// A Book remembers people by the keys of their lanes, in a filter of fixed size: it holds no identifier, may take a
// person for known whom it has not met, and forgets first those of whom it has not heard for longest. Nothing here
// starts a goroutine or has a lock: the pipeline's lock guards it. Begin with Book.Meet.
package people
