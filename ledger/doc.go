// Package ledger keeps calls from being sent twice that would count twice: those whose Step says Once, because the
// other side knows no id of them.
//
// It promises that such a call is attempted only where it is certain that no earlier attempt had an effect: in this
// process, in another one, or in one that was killed. A [Sender] wraps the sender of the delivery, which calls Claim
// when a call's turn has come. Before an attempt it stores an intent under the call's ID, and after it an outcome; both
// are durable before anything else happens. What was accepted before is settled without a request. What was refused, or
// certainly never handed over, may be attempted again. An intent without an outcome, because the process died or no
// answer came, ends as a refusal for the reason send_uncertain, and so as a dead letter: a person finds out and decides
// ([Decide]). While the store does not answer, such calls wait. All other calls go by without cost.
//
// # Records and stores
//
// A [Record] says what is known of a call. Records follow each other by their versions, and of several that follow the
// same one, one counts. So two processes cannot both have an intent that counts, whoever had the lease of the event,
// and a write that arrives late changes nothing; only that a call was sent counts always. A [Store] keeps to that:
// package ledger/jetstream by the revisions of a key-value bucket, package ledger/kafka by the order of a partition,
// and package ledger/file by a lock on a file. The latter two hold what their logs say in a [Table].
//
// Records end after a time, 30 days unless set. A call of an event that is older than that, and of which nothing is
// known, may have been sent before: it is refused as uncertain, too. Where a Table has no room it forgets the calls of
// the oldest events first, and remembers up to when.
//
// Another's intent that is younger than a request may take is waited for: its outcome may be on its way, after a
// rebalance for example.
//
// # Goroutines and locks
//
// The package starts no goroutine. The mutex of a Sender guards which calls are moving and which outcomes are not
// stored yet, that of its health the last failure, and that of a Table its records; none is held while a store or the
// next sender is called. Begin reading with sender.go, then record.go and store.go.
package ledger
