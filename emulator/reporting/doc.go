// Package reporting sends reporting webhooks as Customer.io does: signed, one after the other, and each again until
// somebody takes it. What comes later waits behind it.
//
// [Sender.Report] puts a webhook into the queue, and [Sender.Run], one goroutine that the caller starts, sends them.
// The queue is behind one lock. Begin reading with sender.go.
package reporting
