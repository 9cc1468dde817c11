// Package pipeline carries messages from a source through the mapper to the sender, and tells the source when they
// are finished. What failed goes to the dead letters.
//
// It promises three things. A message is finished when each of its calls was delivered, or is stored as a dead
// letter; until then the source keeps it. The calls of a person leave in the order in which their messages were
// taken up, whatever fails. And what is in flight stays within the memory limit, whatever the backlog or the length
// of an outage: when it is reached, the source waits.
//
// A message goes through these functions: Pipeline.handle has it mapped, Pipeline.enqueue puts it into the input,
// Pipeline.takeArrived and Pipeline.enterLanes put its calls into their lanes, Pipeline.collect makes batches of
// those that may leave, Pipeline.send has each batch sent, Pipeline.settle applies the outcomes, and Pipeline.ack
// tells the source.
//
// The parts are packages that can each be read alone: lanes, a queue for each person; batch, which calls share a
// request and how a failing one is found; breaker, which stops the flow when a rule breaks; and inflight, the
// messages and calls themselves. They start no goroutines and have no locks. The goroutines and the order of the
// locks stand with the type Pipeline, where to begin.
//
// The pipeline knows neither a broker nor Customer.io: those are behind four interfaces of one method each, in
// stages.go.
package pipeline
