package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/bench/certificate"
	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

// wire is how bytes travel: how a topic's records are compressed, and where there is TLS.
type wire struct {
	name     string
	codec    kgo.CompressionCodec
	kafkaTLS bool
	sinkTLS  bool
}

// compression holds the bridge against the ceiling on topics of every codec.
func (b *bench) compression(ctx context.Context, group string) error {
	return b.onWires(ctx, group,
		wire{name: "zstd", codec: kgo.ZstdCompression()}, wire{name: "lz4", codec: kgo.Lz4Compression()},
		wire{name: "snappy", codec: kgo.SnappyCompression()}, wire{name: "gzip", codec: kgo.GzipCompression()})
}

// encryption holds the bridge against the ceiling with TLS on either side.
func (b *bench) encryption(ctx context.Context, group string) error {
	return b.onWires(ctx, group,
		wire{name: "TLS to Kafka", codec: kgo.NoCompression(), kafkaTLS: true},
		wire{name: "TLS to the sink", codec: kgo.NoCompression(), sinkTLS: true},
		wire{name: "TLS on both sides", codec: kgo.NoCompression(), kafkaTLS: true, sinkTLS: true})
}

func (b *bench) onWires(ctx context.Context, group string, wires ...wire) error {
	for _, w := range wires {
		if b.brokers != "" && w.kafkaTLS {
			continue // how a Kafka that is there has TLS is not known here
		}
		if err := b.onWire(ctx, group, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

func (b *bench) onWire(ctx context.Context, group string, w wire) error {
	l := traffic.Load{Events: b.events, Persons: b.persons, Size: 1000, Partitions: 4}
	dir := b.newDir()
	if err := certificate.Write(dir); err != nil {
		return err
	}
	kafkaDir, options := "", sink.Options{}
	if w.kafkaTLS {
		kafkaDir = dir
	}
	if w.sinkTLS {
		options.TLS = dir
	}
	src, err := openKafkaOver(ctx, b.brokers, l.Partitions, kafkaDir)
	if err != nil {
		return err
	}
	defer src.close()
	src.codec = w.codec
	b.say("%s: publishing %d events of %d B, %s", src.name(), l.Events, l.Size, w.name)
	if err := src.fill(ctx, traffic.New(l)); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	results, err := b.takeTurns(ctx, group,
		trial{programs: []program{ceilingProgram{}}, source: src, load: l, options: options, trusts: dir},
		trial{programs: []program{b.bridge}, source: src, load: l, options: options, trusts: dir})
	if err != nil {
		return err
	}
	ceiling, bridge := results[0], results[1]
	b.report.addRow(group, fmt.Sprintf("CPU per event of %d B, %s, against the ceiling with the same", l.Size, w.name),
		fmt.Sprintf("%.2f µs against %.2f µs, %.0f events/s of %.0f", bridge.CPUPerMillion, ceiling.CPUPerMillion,
			bridge.EventsPerSecond, ceiling.EventsPerSecond),
		untargeted(bridge.CPUPerMillion/ceiling.CPUPerMillion, times))
	return nil
}
