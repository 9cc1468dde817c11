// Package debezium reads change events of databases as Debezium writes them in JSON.
//
// They come in three forms, which a Reader tells apart by itself: the full event with before, after, source and op; the
// same within the wrapper of Kafka Connect, whose schema tells what is a decimal or a time (see package connect); and
// the row alone, which the transformation ExtractNewRecordState makes of an event, with members such as __op,
// __deleted and __table where the connector adds them, and with or without a wrapper. A document of MongoDB is a text
// of extended JSON in them.
//
// Of each a Change is made: the type, which is the table's name with .upsert, .delete or .snapshot; the time of the
// change in the database; the row. The rest of the event is written only where a rule asks for it (AppendChange).
//
//   - The row is what stands after the change; of a deletion what stood before it. Where the event has neither, which
//     is so for deletions and some updates of MongoDB, it is the columns of the record's key.
//   - Where the database did not tell the value of a column that did not change, Debezium writes a placeholder. Such a
//     column is absent.
//   - A truncated table has the type TABLE.truncate and no row. A message that a program wrote into the log of
//     PostgreSQL has the type debezium.message, a change of a schema the type debezium.schema_change.
//   - Heartbeats and the marks of transactions tell nothing of data: they are a *Mark.
//
// The package is pure, and starts no goroutine. A Reader belongs to one goroutine at a time, and keeps its memory and
// the schemas that it has met.
//
// Begin reading with Reader.Read in reader.go.
package debezium
