// Command ciobridge carries domain events from Kafka or NATS JetStream to Customer.io.
//
// This package owns the command line, the wiring of the stages, signals, exit codes and the admin server; what the stages do
// is theirs.
package main

import (
	"context"
	"os"
)

func main() {
	noCoreDumps()
	os.Exit(run(context.Background(), os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
