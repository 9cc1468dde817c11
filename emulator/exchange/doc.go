// Package exchange is one request to the emulator on its way, whatever API of Customer.io it is for.
//
// An API reads the request into an Exchange: the calls that it holds, and the answer that it deserves before any
// fault. Where the answer depends on what the workspace holds, the API leaves a function, which is called while the
// exchange is settled. Reading changes nothing outside the exchange.
//
// There are no goroutines and no locks: an Exchange belongs to one request at a time, and is reused.
//
// Begin reading with Exchange.
package exchange
