// Package difference is the command diff: it maps the same records by two sets of rules, and tells what the new ones
// would do otherwise. Nothing is sent, committed or stored.
//
// Records come from a file, or from the source beside whoever reads it. Each is mapped by both sets, and its calls are
// paired: by their identities, then by their rule and name, then by what they say. What is kept is counts by rule, a
// few examples, and which people there were, as hashes; it does not grow with the records but by those.
//
// There is one goroutine, the command's. Begin reading with [New] in command.go; compare.go pairs calls.
package difference
