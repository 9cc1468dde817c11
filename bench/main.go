// Command bench measures the bridge and holds every figure against its target, in one table with a row for each: what an event costs,
// how much goes through, how full requests are, how late events are, how much memory is used, and how replicas share.
//
// Cost and speed are held against a ceiling: a program that does the least that any such program has to do, which is to read records,
// see that each is JSON, splice the raw bytes into batches, post them and commit, with the fastest libraries for each. Beside it stands
// a bare program, which reads and checks by hand, and what little it checks.
//
// Broker, sink, bridge and ceiling are processes of their own, so that the processor time and the memory of each can be told
// apart. The bridge is the real binary, built for the run and configured by a file. Every run is checked: each event arrived
// once, in order per person, and everything was committed; a run that fails the check gives no numbers and ends the bench. A target
// that is missed does not.
//
// What counts are the ratios of one run on one machine. Absolute figures differ between machines and from day to day.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/ciobridge/ciobridge/bench/ceiling"
	"github.com/ciobridge/ciobridge/bench/sink"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run dispatches to the role that the first argument names. Without one this process is the coordinator, which starts the
// others.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		if role, ok := roles[args[0]]; ok {
			return role(untilStdinCloses(ctx), args[1:], stdout)
		}
	}
	p, err := parsePlan(args, stderr)
	if err != nil {
		return err
	}
	return execute(ctx, p, stdout, stderr)
}

var roles = map[string]func(ctx context.Context, args []string, stdout io.Writer) error{
	"kafka-broker":  runKafkaBroker,
	"nats-broker":   runNATSBroker,
	"sink":          sink.Run,
	"kafka-ceiling": ceiling.RunKafka,
	"nats-ceiling":  ceiling.RunNATS,
}

// untilStdinCloses ends a role when the coordinator is gone, however it went: its end of the pipe closes with it.
func untilStdinCloses(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	return ctx
}
