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

// run dispatches to the role that the first argument names. Without one this process is the coordinator, which starts
// the others.
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
