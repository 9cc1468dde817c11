// Package appendfile opens files to which records are appended, such as dead letters and erasure fences, so that what
// was written stays: the file is regular, and its name is durable.
//
// It takes no lock; see package filelock. It starts no goroutine and holds no state. Begin with Open.
package appendfile
