// Package wire writes Fetch requests to Kafka and reads the answers: record batches with their checksums, compressed or
// not, their records, and which of them belong to transactions that failed.
//
// What comes is read in place. [FetchRequest.ReadAnswer] reads the record set of each partition straight from the
// connection into a [consumer.Buffer]. [ScanBatches] finds how far a set reaches without looking into its batches.
// Then, batch by batch, [ReadBatchHeader] and [VerifyChecksum] say whether it can be trusted, [Decompress] unpacks it
// where it is compressed, an [AbortFilter] says whether its records must be left out, and a [RecordReader] steps
// through them. Keys, values and headers point into the buffer.
//
// Bytes of a broker are not trusted: whatever stands in them, the functions return an error, a [*CorruptError] for
// records, and take no more memory than the limits that they are given. The package starts no goroutine and has no
// lock.
package wire
