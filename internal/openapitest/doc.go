// Package openapitest holds requests to the official OpenAPI documents of Customer.io: method, host, path, query and
// body. The documents in testdata are trimmed; README.md there says from what, and how.
//
// The documents name few members as required and forbid none, so that almost anything would pass. Here a member that
// the documents do not name is a difference, too, unless they leave an object open. An item of a batch is held to the
// operation that its type and action name, and not to any of all; an event over v1 is known by its type.
//
// Where the bridge knows better, the difference is one of the deviations, with its reason. A Record tells of
// differences that are none of them, and of deviations that do not occur any more.
//
// The package has no goroutine and no lock. Begin reading with Record in record.go.
package openapitest
