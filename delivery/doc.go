// Package delivery makes one attempt at one request's worth of calls and says what came of each.
//
// Sender is all of it. Send waits for a permit of the circuit breaker, puts the calls into a batch, which it does
// not copy, has the request made by the client of package customerio, gives the permit back with the answer, and
// makes of the answer an outcome for each call.
//
// Ask makes a request that asks for something, such as the numbers of a report, by the same way and within the same
// budget, and waits until there is an answer.
//
// The breaker decides when requests may go. While all is well it spaces them by the rate limiter, whose rate is
// halved when the destination asks for less and climbs back. A failure that speaks of the destination trips it:
// nothing passes for a while that grows from failure to failure, then one request goes as a probe. Where no request
// can succeed, because credentials or region are wrong, it halts, and looks for new credentials. The state logger
// tells operators of each change. While a workspace is held, because nobody knows yet whether it is the right one,
// nothing passes to its destinations.
//
// What is sent together, what follows whom, how often a call is tried and when it is given up is decided elsewhere,
// in package pipeline. The package starts no goroutine. Its one lock is the breaker's; metrics and the log are
// written under it, and nothing is sent. Begin with Sender.Send, then breaker.acquire and breaker.giveBack.
package delivery
