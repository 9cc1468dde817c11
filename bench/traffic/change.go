package traffic

// Change is a record as Debezium writes it with its schema: the event of the shop is the row after an insert, with a
// decimal and a time beside it that only the schema tells.
var Change = Shape{Name: "debezium", Append: appendChange}

func appendChange(dst []byte, events [][]byte) []byte {
	dst = append(dst, changeHead...)
	row := events[0]
	dst = append(dst, row[:len(row)-1]...)
	return append(dst, changeTail...)
}

const (
	changeHead = `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[` + rowFields +
		`],"optional":true,"name":"srv.public.orders.Value","field":"before"},{"type":"struct","fields":[` + rowFields +
		`],"optional":true,"name":"srv.public.orders.Value","field":"after"},{"type":"struct","fields":[` +
		`{"type":"string","optional":false,"field":"version"},{"type":"string","optional":false,"field":"connector"},` +
		`{"type":"string","optional":false,"field":"name"},{"type":"int64","optional":false,"field":"ts_ms"},` +
		`{"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"parameters":` +
		`{"allowed":"true,last,false,incremental"},"default":"false","field":"snapshot"},` +
		`{"type":"string","optional":false,"field":"db"},{"type":"string","optional":true,"field":"sequence"},` +
		`{"type":"string","optional":false,"field":"schema"},{"type":"string","optional":false,"field":"table"},` +
		`{"type":"int64","optional":true,"field":"txId"},{"type":"int64","optional":true,"field":"lsn"},` +
		`{"type":"int64","optional":true,"field":"xmin"}],"optional":false,` +
		`"name":"io.debezium.connector.postgresql.Source","field":"source"},` +
		`{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"}],` +
		`"optional":false,"name":"srv.public.orders.Envelope","version":1},"payload":{"before":null,"after":`
	rowFields = `{"type":"string","optional":false,"field":"id"},{"type":"string","optional":false,"field":"type"},` +
		`{"type":"string","optional":true,"name":"io.debezium.time.ZonedTimestamp","version":1,"field":"time"},` +
		`{"type":"struct","fields":[],"optional":true,"field":"data"},` +
		`{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":` +
		`{"scale":"2","connect.decimal.precision":"12"},"field":"balance"},` +
		`{"type":"int64","optional":true,"name":"io.debezium.time.MicroTimestamp","version":1,"field":"updated_at"}`
	changeTail = `,"balance":"MDk=","updated_at":1791194400123456},"source":{"version":"3.0.0.Final",` +
		`"connector":"postgresql","name":"srv","ts_ms":1791194400123,"snapshot":"false","db":"shop",` +
		`"sequence":"[\"33227719\",\"33227720\"]","schema":"public","table":"orders","txId":771,"lsn":33227720,` +
		`"xmin":null},"op":"c","ts_ms":1791194400999}}`
)
