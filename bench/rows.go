package main

import "context"

// groups are all rows, in the order in which they are measured.
var groups = []group{
	{name: "kafka-1k", what: "cost and speed beside the ceiling, Kafka, 1 KB events",
		measure: besideCeiling(1000, false, 1.5)},
	{name: "kafka-300", what: "the same with 300 B events", measure: besideCeiling(300, false, 1.7)},
	{name: "jetstream-1k", what: "the same, JetStream with a file store, 1 KB events", stream: true,
		measure: besideCeiling(1000, true, 1.4)},
	{name: "jetstream-300", what: "the same with 300 B events", stream: true, measure: besideCeiling(300, true, 1.4)},
	{name: "latency", what: "speed when Customer.io takes 100 ms to answer", measure: (*bench).slowAnswers},
	{name: "fill", what: "how full requests are at 50, 500 and 5,000 events/s", measure: (*bench).fillAtRates},
	{name: "delay", what: "how long an event is on its way at 100 events/s", measure: (*bench).delay},
	{name: "memory", what: "peak memory with a backlog, with no answers, and with 1,000 partitions",
		measure: (*bench).memory},
	{name: "rules", what: "cost of an event with 1 rule and with 1,000", measure: (*bench).flatRules},
	{name: "partitions", what: "cost of an event with 1 partition and with 1,000", measure: (*bench).flatPartitions},
	{name: "stream", what: "cost of an event on a stream in 16 partitions", stream: true, slow: true,
		measure: (*bench).flatStream},
	{name: "persons", what: "cost of an event with 10 thousand persons and with 10 million",
		measure: (*bench).flatPersons},
	{name: "jq", what: "cost of an event whose rule needs full jq", measure: (*bench).pathsAndPrograms},
	{name: "shapes", what: "cost of an event in other shapes, and of objects sent whole",
		measure: (*bench).shapesOfEvents},
	{name: "compression", what: "cost and speed beside the ceiling with zstd, lz4, snappy and gzip",
		measure: (*bench).compression},
	{name: "tls", what: "the same with TLS to Kafka and to the sink", measure: (*bench).encryption},
	{name: "webhooks", what: "how many of Customer.io's webhooks one process takes, and what one costs",
		measure: (*bench).webhooks},
	{name: "export", what: "how many rows of an export one process publishes, and how much memory that takes",
		measure: (*bench).export},
	{name: "start", what: "time to the first request", measure: (*bench).startUp},
	{name: "size", what: "size of the binary", measure: (*bench).binarySize},
	{name: "replicas", what: "how 2 and 4 replicas share work and rate", slow: true, measure: (*bench).replicas},
}

// group is a set of rows that are measured together.
type group struct {
	name    string
	what    string
	stream  bool // about JetStream alone; left out when a real Kafka is measured
	slow    bool // left out by -quick
	measure func(b *bench, ctx context.Context, group string) error
}
