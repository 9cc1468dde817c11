// Package report publishes Customer.io's reports on the bus: numbers of campaigns, newsletters and broadcasts, people,
// deliveries, segments and activities, each row a CloudEvent.
//
// It promises that of every row each revision is published once, whatever fails, and that the last one published is
// what Customer.io last told. A [Reader] gives rows. A row whose window was told before and whose content is the same
// is left out; one with other content is the next revision. The id of an event is a digest of the report, the
// workspace, the object, the window and the revision.
//
// What was published is learnt from the [Target] itself: before a run publishes anything its beginning is noted in the
// [Store] with the target's position, and a run that was cut short goes on by what the target holds behind it. So
// nothing has to be stored before each row, and a crash between any two steps neither skips nor doubles.
//
// Begin reading with row.go and place.go.
package report
