// Package deadletter keeps the record of a failure: it writes letters, reads them, resolves them and replays them.
//
// A dead-letter log is a Kafka topic, a subject of a JetStream stream, or a local file. It holds two kinds of records.
// A letter is the record that failed, whole, with one fixed set of headers that tell its story. A resolution names
// letters that need nothing more: delivered by a replay, replaced by a narrower letter, or discarded by an operator.
// The open letters are therefore a function of the log alone.
//
// The package does not decide that a call has failed, does not retry a write (the pipeline does), and does not send
// anything: a replay is a source, a mapper and a store of letters for the ordinary pipeline.
package deadletter
