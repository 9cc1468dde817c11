// Package reports is the command "ciobridge reports": a report of Customer.io run by hand, what reports there are, and
// how they stand.
//
// It promises that a report that is run by hand is published as one that the bridge runs, by the same state, and that
// a run which is interrupted is finished by the next. What is read is for package report/read to decide, and what
// is published for package report.
//
// Run has one goroutine beside it that shows the progress (progress.go); it ends before the result is printed. Begin
// reading with flags.go.
package reports
