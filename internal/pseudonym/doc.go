// Package pseudonym replaces personal data in JSON and in texts by made-up values, so that events of real people can be
// kept as examples.
//
// The same value always becomes the same made-up one, and different values become different ones, as long as one
// Replacer is used: its key is random, never leaves it, and is gone with it. A made-up value has the shape of its
// original: letters stay letters of the same case and digits stay digits, an address of mail stays one (below
// .example), an IP address and a date stay such. What is personal is told by names of members, by paths that the caller
// gives, and by what a value looks like; a value that was personal in one place is replaced wherever it stands. It is a
// help and no proof: whoever publishes what comes of it looks through what was kept, which Kept names.
//
// First show a Replacer everything with Learn, then replace. There are no goroutines and no locks. Begin reading with
// Replacer in replacer.go; name.go has what names tell, fake.go makes values up.
package pseudonym
