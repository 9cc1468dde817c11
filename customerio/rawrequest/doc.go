// Package rawrequest writes requests of somebody's own for one of Customer.io's APIs: what stands behind the action
// request of rules and the command ciobridge api.
//
// It promises where such a request goes, whatever the values in it are. A Path has its host from the region, its prefix
// from the API and its shape from the text that was written once; a value fills its own place in one segment, encoded,
// and can neither add a segment nor leave one out. A segment that is empty, or a step upwards by any way of writing, is
// refused. Headers come from a list (header.go), and none of them authorises anything: that is the client's to do. A
// body is JSON, a form or files (body.go).
//
// Nothing here makes a request, and there are no goroutines and no locks: a Path is safe for use by several
// goroutines. No error quotes a value, which may be personal.
//
// Begin reading with Path in path.go.
package rawrequest
