// Package dryrun is what ciobridge run does with --dry-run: it maps what the bridge would read next, and tells by rule
// what would come of it.
//
// It reads beside whoever reads the source: it joins no group, commits and stores nothing, and asks nothing of
// Customer.io. There is one goroutine, the command's. Begin reading with [Run].
package dryrun
