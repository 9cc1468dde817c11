// Package certificate makes a certificate authority that lives as long as the program, and one certificate of it, so
// that clients which insist on TLS can talk to an emulator.
//
// The key of the authority is forgotten as soon as the certificate is signed: whoever trusts the authority trusts one
// server. There are no goroutines and no locks.
//
// Begin reading with Make.
package certificate
