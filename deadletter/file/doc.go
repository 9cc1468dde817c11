// Package file keeps dead letters in a local file, one JSON object a line. It needs no broker, and is what the embedded
// broker uses when no subject is named.
//
// Put and Resolve open the file, take it for themselves with a lock that other processes respect, append their lines,
// and sync before they return. So several processes may write to one file, and a file that is moved away is simply made
// anew. A process that dies while it writes leaves a partial line; the next write puts a line break behind it, and
// reading counts it as a foreign record.
//
// Scan reads up to the size that the file had when it began. The position of a record is the byte at which its line
// begins, so that Read finds it again without an index.
//
// The lock of a replay is a second file beside the first, whose name ends in ".replay". The operating system lets go of
// both locks when a process ends, so that nobody ever waits for a holder that died.
//
// The package starts no goroutine. The mutex of a [Store] keeps two writes of one process apart; it is taken before the
// lock on the file. Begin reading with store.go.
package file
