// Package content turns the values of records into JSON where they have another form: Avro, Protobuf, or JSON with the
// number of a schema before it, as the serializers of Confluent's schema registry write them.
//
// A Source stands between a source and whoever takes its messages up, and gives each message its Content; a value that
// cannot be read is handed on with the reason, and becomes a dead letter like any other event that cannot be read. The
// value itself is not touched: it is what a dead letter keeps and what the event is known by.
//
// The Decoder asks the registry for each schema once. While the registry is away, whoever needs a schema that is not
// known waits, and with it the partition that it reads; what has a known schema goes on. The package starts no
// goroutine. A Decoder has one lock, around the table of the schemas, which is never held while the registry is asked;
// those who need the same schema wait for one of them to ask.
//
// Begin reading with Source in source.go, then Decoder.
package content
