// Package app answers requests of Customer.io's App API, as the documentation describes it: people and objects, the
// activity log, segments, transactional messages, broadcasts and their triggers, campaigns, newsletters, metrics,
// exports, and the things that people edit in the user interface.
//
// A request is an exchange. Read finds the endpoint in the table of routes, which says how often such requests are
// taken and how they are answered. What can be judged without the workspace is judged there; the answer is made when
// the exchange is settled, by the endpoint's function, which has a query: the request with the workspace. Only the
// endpoint of broadcasts and those of transactional messages make calls of their own, with receipts that name them:
// a repeat of those counts twice.
//
// Metrics are counted from deliveries (metric.go) in the steps of a window (window.go). The file of an export (file.go)
// is written while it is read, outside the lock.
//
// What was made in the user interface the emulator cannot know. A broadcast, a transactional message or a campaign
// with a number that is asked for exists; everything that has an endpoint to make it must be made.
//
// There are no goroutines, no locks and no state outside the workspace.
//
// Begin reading with Read in request.go, then route.go.
package app
