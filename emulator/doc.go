// Package emulator is a local Customer.io over HTTP: the Track API, v1 and v2 (package track), the App API (package
// app) and the Pipelines API (package pipelines), before one workspace (package workspace).
//
// It is written from Customer.io's documentation and knows nothing of the client side of this module, so that the two
// can disagree. It is stricter than the real service: what Customer.io takes with a 200 and ignores for being wrong
// (a timestamp in milliseconds, a field that does not exist, an event id that is not a ULID) is refused by name. What
// Customer.io documents as a 200 without effect (a repeated event id, a stale timestamp, a suppressed person) is a
// 200 without effect here too; the receipt says so, and the activity log of the App API. It does not deliver messages,
// evaluate data-driven segments or run campaigns; Send has one send, and ReactWithin makes up what people do with it.
// It holds the App API's callers to their rates, and no others.
//
// A request becomes an exchange (package exchange): its body is read (package jsondoc), and the API that it is for
// makes calls of what was sent, and an answer. The exchange may then meet a fault (package fault; misbehave.go), which
// is a way to be wrong on request: an answer that never comes, a status, a refusal. At last it is settled: its calls
// change the workspace, and each gets a receipt. All of that happens before the client has its answer.
//
// A Server starts no goroutine; requests come on those of the http.Server around it. Server.mu is held while an
// exchange is settled, which makes all requests one sequence. The list of faults and the rates have locks of their own.
// Where two are held, Server.mu is taken first.
//
// Begin reading with Server in server.go, then api.go and settle.go.
package emulator
