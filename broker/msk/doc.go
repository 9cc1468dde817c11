// Package msk gives tokens for Amazon MSK with IAM, which package broker shows to the brokers.
//
// The credentials are found where all programs of AWS look for them: the environment, the shared files, a web identity,
// the container, the machine. AWS's own libraries find them, and sign. They are heavy, so that only those programs are
// linked with them which make a whole bridge. It starts no goroutine, and begins with [Tokens].
package msk
