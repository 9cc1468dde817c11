// Package secret holds values that must not be printed, and says where they come from: a file or an environment
// variable, never a configuration file.
//
// A configuration holds a Ref. Ref.Read gives a Value, which prints as *** in every way that Go prints, encodes or
// logs a value, also as a field of something else. Value.Reveal is the only way to its text, so that a search for
// Reveal finds every place where a secret leaves. No error of the package names a file or a variable, because
// somebody may have written the secret there by mistake.
//
// The package owns neither what a secret is for nor when it is read again; whoever uses one decides that. It promises
// nothing about the memory of the process. It starts no goroutine and has no locks; a Value is safe for use by
// several goroutines.
//
// Begin reading with Ref in ref.go and Value in secret.go.
package secret
