// Command ciobridge carries domain events from Kafka or NATS JetStream to Customer.io.
//
// This package is the command line: commands and their flags, signals, and what is printed for people and for
// scripts. Results go to standard output, in words or as JSON; everything else, such as errors, warnings and
// progress, goes to standard error. Each command has a file of its own name. It reads its flags, calls the package
// that does the work (app for all that runs a bridge, or needs its configuration), and prints what came of it. An
// error ends in run, which prints it and gives its exit code.
//
// The first interrupt ends the context that every command gets, which asks for an orderly stop; a second one ends the
// process. Begin reading with run in root.go.
package main
