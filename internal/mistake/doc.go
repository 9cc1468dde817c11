// Package mistake is what is wrong in a text that somebody wrote, and where: a file, a line and a column, the path of
// the field, and what to write instead. Every reader of such a text makes its mistakes here, so that all of them have
// one form, whoever finds them.
//
// A mistake quotes nothing that may be a secret; whoever makes one sees to that. There are no goroutines and no locks.
package mistake
