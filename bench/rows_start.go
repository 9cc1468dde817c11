package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// startUp measures how long it takes from starting the process on a warm broker until the first request has arrived.
func (b *bench) startUp(ctx context.Context, group string) error {
	l := traffic.Load{Events: 10_000, Persons: b.persons, Size: 300, Partitions: 4}
	src, err := b.openFilled(ctx, l, false)
	if err != nil {
		return err
	}
	defer src.close()
	results, err := b.takeTurns(ctx, group, trial{programs: []program{b.bridge}, source: src, load: l})
	if err != nil {
		return err
	}
	b.report.addRow(group, "start of the process to the first request, warm broker",
		fmt.Sprintf("median of %d", b.runs),
		atMost(results[0].FirstRequest, 1, seconds))
	return nil
}

// binarySize measures the binary, built as the image builds it.
func (b *bench) binarySize(_ context.Context, group string) error {
	info, err := os.Stat(b.bridge.binary)
	if err != nil {
		return fmt.Errorf("measure the binary: %w", err)
	}
	b.report.addRow(group, "size of the binary", fmt.Sprintf("%d bytes", info.Size()),
		atMost(float64(info.Size())/1e6, 40, mega))
	return nil
}
