// Package webhook takes Customer.io's reporting webhooks and publishes each of them on the bus as a CloudEvent.
//
// A request flows through [Server]: its body is read within limits, its signature is checked against each of the
// signing keys (signature.go), what it tells becomes an event (notice.go), one that was published before is left out
// (seen.go), and the event is handed to a [Bus]. Only when the bus has stored it is the request answered with 200.
// Customer.io sends again whatever was answered otherwise, for seven days, and holds later webhooks back meanwhile. So
// what passes by itself is answered with 503, after which it comes again soon, and what is signed is never refused for
// what stands in it: a body that is no JSON is published as it is.
//
// Which events were published is learnt from the bus itself: [Server.Follow] reads the ids of what is stored there, at
// the start and from then on, so that a repeat is known after a restart and in another replica. Nothing is taken before
// the first such reading, nor after a failure until the next.
//
// [Server.Serve] and Follow are a goroutine each, which the caller starts and waits for; requests are served by those
// of net/http. The ids are behind one lock, which is held for no longer than a look-up. Begin reading with server.go,
// then request.go.
package webhook
