// Package sending knows what messages and broadcasts consist of: addresses, headers, attachments, devices, and the
// people whom a broadcast is for.
//
// It tells before a request is made what Customer.io would refuse, in words that quote nothing of the value, which may
// be personal data. Which action has which of them stands in the table of operations in package customerio.
//
// The package has no state, starts no goroutine and has no lock. Begin reading with Check in structure.go, then
// Addresses in address.go.
package sending
