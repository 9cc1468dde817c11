// Command bench measures the bridge and holds every figure against its target, in one table with a row for each: what
// an event costs, how much goes through, how full requests are, how late events are, how much memory is used, and how
// replicas share.
//
// Cost and speed are held against a ceiling (package ceiling): a program that does the least that any such program
// has to do, which is to read records, see that each is JSON, splice the raw bytes into batches, post them and
// commit, with the fastest libraries for each. Beside it stands a bare program, which reads and checks by hand, and
// checks little. With -against, another build of the bridge takes turns with this one.
//
// Broker, sink, bridge and ceiling are processes of their own, so that the processor time and the memory of each can
// be told apart; all but the bridge are this program in another role (main.go). The bridge is the real binary, built
// for the run and configured by a file. Every run is a trial (trial.go), and is checked: each event arrived once, in
// order per person, and everything was committed. A run that fails the check gives no numbers and ends the bench. A
// target that is missed does not.
//
// What counts are the ratios of one run on one machine. Absolute figures differ between machines and from day to day.
//
// Begin reading with groups in rows.go, which lists the rows, then takeTurns in bench.go and run in trial.go.
package main
