package openapitest

// Deviation is a difference that is meant.
type Deviation struct {
	Operations []string // each of which has it
	At, Rule   string   // at a star stands any name, or any place of a list
	Reason     string
}

const (
	batch     = "POST track /api/v2/batch "
	events    = "POST track /api/v1/customers/{identifier}/events"
	anonymous = "POST track /api/v1/events"

	unknown = "is not in the document"
	none    = "no alternative holds"
	several = "several alternatives hold"
	visitor = "anonymous_id names a visitor: the schema has no such identifier, but Segment and RudderStack use it " +
		"in production"
	overlaps = "the alternatives of the document overlap, so that more than one holds of a request that is right"
)

var eventsOfVisitors = []string{batch + "person event", batch + "person page", batch + "person screen"}

// deviations is the one place where the bridge may do other than the documents say.
var deviations = []Deviation{
	{Operations: eventsOfVisitors, At: "item/identifiers", Rule: none, Reason: visitor},
	{Operations: eventsOfVisitors, At: "item/identifiers/anonymous_id", Rule: unknown, Reason: visitor},
	{
		Operations: []string{batch + "person viewed_content", batch + "person clicked_content"},
		At:         "item", Rule: unknown,
		Reason: "Customer.io documents neither; Segment's destination, which Customer.io's own people write in part, " +
			"sends them so",
	},
	{
		Operations: []string{
			batch + "object identify", batch + "object add_relationships", batch + "object delete_relationships",
		},
		At: "item/cio_relationships/*/identifiers", Rule: several,
		Reason: overlaps + ": none of id, email and cio_id is required in its own",
	},
	{
		Operations: []string{"POST track /api/v1/metrics"}, At: "body", Rule: several,
		Reason: overlaps + ": one for each channel, which no request names",
	},
	{
		Operations: []string{"PUT track /api/v1/customers/{identifier}", events},
		At:         "path/identifier", Rule: several,
		Reason: overlaps + ": an id is any text",
	},
	{
		Operations: []string{events + " screen"}, At: "body", Rule: none,
		Reason: "the document wants an anonymous_id for a screen of somebody whom the path names, which is a slip: " +
			"no client of Customer.io sends it",
	},
	{
		Operations: []string{anonymous + " page", anonymous + " screen"}, At: "body", Rule: several,
		Reason: overlaps + ": the one for events takes pages and screens, too",
	},
	{
		Operations: []string{"PUT track /api/v1/customers/{identifier}"}, At: "body/last_order", Rule: none,
		Reason: "an attribute may be an object in practice; the schema has texts, whole numbers and truths",
	},
	{
		Operations: []string{"POST app /v1/send/email"}, At: "body/headers", Rule: "type",
		Reason: "the document's text wants JSON in a text, its own example has an object, and so does every client " +
			"of Customer.io",
	},
	{
		Operations: []string{"POST app /v1/send/email"}, At: "body/attachments/*", Rule: unknown,
		Reason: "the document has <file-name> in the place of any name",
	},
	{
		Operations: []string{"POST app /v1/send/whatsapp"}, At: "path", Rule: unknown,
		Reason: "it is newer than the document; Customer.io's site and its client for Go have it",
	},
	{
		Operations: []string{"POST app /v1/campaigns/{broadcast_id}/triggers"}, At: "body", Rule: several,
		Reason: overlaps + ": the one without an audience takes every other",
	},
}
