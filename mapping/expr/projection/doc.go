// Package projection finds what a gojq program reads of a document, and decodes that alone.
//
// Of walks the syntax tree with the place of the value that comes in, and notes which keys and elements are read and
// where a value is read as a whole. It errs on the side of too much: where it cannot tell, all is read. Projection.Of
// decodes what is noted from the raw bytes of a document. Where a value is not of the kind that the program takes it
// for, all of it is decoded, since an error of gojq may quote it. So a program answers as if it had the whole
// document, which TestProjection of package expr checks.
//
// A Projection does not change once it is made, and is safe for use by several goroutines. There are no locks.
//
// Begin reading with Projection in projection.go, then projector.
package projection
