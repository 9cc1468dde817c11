// Package pipelines reads requests of Customer.io's Pipelines API, as the documentation describes them: identify,
// track, page, screen, group, alias and batch, and the events that stand for operations, such as User Deleted.
//
// Like the real service it is permissive: what is wrong, too long or sent with a wrong key is answered 200 and
// discarded, and only the receipt tells. With the header X-Strict-Mode: 1 it is answered 400 or 401, and nothing of
// the request is carried out.
//
// A request is an exchange; Read makes one call of each message in it. There are no goroutines, no locks and no
// state.
//
// Begin reading with Read, then message.go.
package pipelines
