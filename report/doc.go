// Package report publishes Customer.io's reports on the bus: numbers of campaigns, newsletters and broadcasts, people,
// deliveries, segments and activities, each row a CloudEvent.
//
// It promises that of every row each revision is published once, whatever fails, and that the last one published is
// what Customer.io last told. A [Runner] looks at the clock and at the schedules (schedule.go), and runs what is due
// (run.go). An attempt asks a [Reader] for rows (attempt.go). A row whose window was told before and whose content is
// the same is left out; one with other content is the next revision (known.go). The id of an event is a digest of the
// report, the workspace, the object and the window, with the revision behind it (event.go). Events are published in
// groups to a [Target] (publish.go).
//
// What was published is learnt from the target itself: before a run publishes anything its beginning is noted in the
// [Store] with the target's position (record.go), and a run that was cut short goes on by what the target holds behind
// it (readback.go). So nothing has to be stored before each row, and a crash between any two steps neither skips nor
// doubles. docs/decisions/280 has the reasons.
//
// Nothing here starts a goroutine. [Runner.Run] and [Runner.Once] use the store, the targets and the readers, and are
// not called beside each other. One lock guards what [Runner.Status] tells, and is held for no longer than it takes to
// copy that.
//
// Begin reading with row.go and place.go; then runner.go.
package report
