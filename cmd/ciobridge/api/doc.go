// Package api is the command "ciobridge api": one request of somebody's own, to one of Customer.io's APIs.
//
// It promises that the request goes to the host of the configured region and is authorised from the configuration, as
// every other call of the bridge; where it may go and what it may say is for package rawrequest to decide. What the
// server answers is printed as it came, and the exit code says what became of the request. A request that may have
// been carried out and would count twice is not made again.
//
// A call goes through flags.go and content.go, which make the request of what was typed, and call.go, which makes it,
// tries it again and follows pages. There are no goroutines and no locks.
//
// Begin reading with New in flags.go.
package api
