// Package file keeps erasure fences in a local file, one JSON object a line, for a bridge that is alone.
//
// Write appends under a lock that other processes respect, such as a replay beside the bridge, and syncs before it
// returns. Read remembers how far it has read. The file is never made shorter: a fence takes about 300 bytes.
//
// The package starts no goroutine. The mutex of a [Log] keeps its own readers and writers apart; it is taken before the
// lock on the file.
package file
