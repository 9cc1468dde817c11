// Package file keeps the send ledger in a local file, one JSON object a line. It needs no broker, and is what the
// embedded broker uses when nothing else is named.
//
// The file is a log: records are appended, and package ledger's Table says which of them count. Every Get and Put takes
// the lock of a second file beside it, whose name ends in ".lock", reads what others have appended meanwhile, and Put
// then appends one line and syncs before it returns. So several processes may use one file, such as a bridge and the
// command that replays letters. A process that dies while it writes leaves a partial line, which stands for nothing
// that was promised to anybody; the next write puts a line break behind it.
//
// When most lines no longer count, the file is written anew under the lock, with the records that do, and takes the
// place of the old one. Others notice that the file is another one and read it from its start.
//
// The package starts no goroutine. The mutex of a [Store] keeps its calls apart; it is taken before the lock on the
// file. Begin reading with store.go.
package file
