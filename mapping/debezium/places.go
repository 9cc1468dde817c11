package debezium

import "github.com/ciobridge/ciobridge/mapping/expr/document"

// What is wanted of a record's value, whichever form it has.
var (
	places = document.NewPlaces()
	root   = places.Root()

	schema      = member(root, "schema")
	payload     = member(root, "payload")
	op          = member(root, "op")
	before      = member(root, "before")
	after       = member(root, "after")
	source      = member(root, "source")
	message     = member(root, "message")
	status      = member(root, "status")
	eventCount  = member(root, "event_count")
	collections = member(root, "data_collections")
	ddl         = member(root, "ddl")
	changes     = member(root, "tableChanges")
	flatOp      = member(root, "__op")
	flatDeleted = member(root, "__deleted")

	// tables are where the name of the table or collection stands, and times where the time of the change does, the
	// best first.
	tables = []int32{
		member(source, "table").ID(), member(source, "collection").ID(),
		member(root, "__table").ID(), member(root, "__collection").ID(),
		member(root, "__source_table").ID(), member(root, "__source_collection").ID(),
	}
	times = []clock{
		{member(source, "ts_ms").ID(), 1}, {member(source, "ts_us").ID(), 1000},
		{member(source, "ts_ns").ID(), 1_000_000},
		{member(root, "ts_ms").ID(), 1}, {member(root, "ts_us").ID(), 1000}, {member(root, "ts_ns").ID(), 1_000_000},
	}
	flatTimes = []clock{
		{member(root, "__source_ts_ms").ID(), 1}, {member(root, "__source_ts_us").ID(), 1000},
		{member(root, "__source_ts_ns").ID(), 1_000_000}, {member(root, "__ts_ms").ID(), 1},
		{member(root, "__ts_us").ID(), 1000}, {member(root, "__ts_ns").ID(), 1_000_000},
	}
	collection = tables[1]
)

// clock is a place of a time, and how many of its units are a millisecond.
type clock struct {
	place int32
	perMs int64
}

func init() { places.Seal() }

func member(of *document.Place, name string) *document.Place {
	p, _ := places.Step(of, document.Step{Name: name, Key: true})
	return p
}

// nothing are the places of a text by itself.
var nothing = func() *document.Places {
	s := document.NewPlaces()
	s.Seal()
	return s
}()
