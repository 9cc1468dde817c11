// Package app makes a bridge of the stages.
//
// [Load] reads a configuration and compiles its rules. [New] makes a [Bridge] of them, with all that needs no broker;
// [Bridge.Serve] runs it: it serves health and metrics, proves that Customer.io and the broker can be used, connects,
// and runs the pipeline until its context ends. [Replay] is the same for the dead letters of a replay. [Reach],
// [ReachLetters] and [ReachReports] are for commands that do one thing at a broker and end.
//
// While a bridge starts, everything that must hold before the first event is read is an obstacle, and stays one until
// it is proven. What may pass by itself is waited for, with growing pauses; a failure that somebody has to mend ends
// the bridge, with an error that has the exit code. Of several workspaces one that is proven is enough: the prover goes
// on with the others, and the delivery holds what goes to them. Afterwards the obstacles are what the source, the dead
// letters and the pipeline say keeps events from flowing. /readyz tells them, and the log does once a minute. Rules and
// topics that have stopped while others flow are told in the same places, and are no obstacle.
//
// Reports run beside the flow, and nothing waits for them: until their places and keys are proven they are an obstacle
// that events pass by.
//
// Serve has one goroutine for the admin server, one that repeats the obstacles in the log, one for the summary of
// each minute, one for each workspace until that is proven, one for reports and one that proves what they need, and
// while it starts one for each other thing to prove; it waits for all of them. The obstacles of the start and the
// prover have a lock each, and nothing is called while it is held.
//
// Which stage does what is decided elsewhere; this package knows only how they are joined. Flags, signals and what is
// printed are the command's. Begin reading with [Bridge].
package app
