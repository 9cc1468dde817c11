// Package emulator is a local Customer.io: Track v1 and v2, so far as they take data in, over HTTP.
//
// It is written from Customer.io's documentation and knows nothing of the client side of this module, so that the two
// can disagree. It is stricter than the real service: what Customer.io takes with a 200 and ignores for being wrong
// (a timestamp in milliseconds, a field that does not exist, an event id that is not a ULID) is refused by name. What
// Customer.io documents as a 200 without effect (a repeated event id, a stale timestamp, a suppressed person) is a
// 200 without effect here too, and the receipt says so. It does not deliver messages, evaluate segments or campaigns,
// or limit rates.
//
// A request becomes an exchange: its body is read (package jsondoc), route finds the endpoint, and that makes calls
// of what was sent and an answer. item.go and operations.go hold the rules for each operation of Track v2. The
// exchange may then meet a fault (package fault; misbehave.go), which is a way to be wrong on request: an answer that
// never comes, a status, a refusal. At last it is settled: its calls change the workspace, which holds people,
// objects and the event ids that were seen, and each gets a receipt. All of that happens before the client has its
// answer.
//
// A Server starts no goroutine; requests come on those of the http.Server around it. Server.mu is held while an
// exchange is settled, which makes all requests one sequence. The list of faults has a lock of its own. Where both
// are held, Server.mu is taken first.
//
// Begin reading with Server in server.go, then exchange.go and settle.go.
package emulator
