package customerio

import "time"

// TriggerWindow is how old an event may be to start a campaign. What is older is recorded, and starts nothing.
const TriggerWindow = 72 * time.Hour

// Sizes that Customer.io documents, in bytes of UTF-8 unless said otherwise. It does not say whether a kilobyte is 1000
// or 1024 bytes; the smaller reading is used throughout, because what fits it fits both.
const (
	// MaxItemBytes is the largest item of a v2 batch, as written.
	MaxItemBytes = 32_000
	// MaxBatchBytes is the largest body of a v2 batch.
	MaxBatchBytes = 500_000
	// MaxBatchItems is the most items put into one v2 batch. Customer.io documents no number; other clients that are
	// known to work send up to this many.
	MaxBatchItems = 1000
	// MaxSegmentIDs is the most identifiers that one request adds to a manual segment or takes out of it.
	MaxSegmentIDs = 1000
	// MaxEventDataBytes is the largest data object of an event that travels alone over v1.
	MaxEventDataBytes = 100_000
	// MaxPipelinesBytes is the largest call over Pipelines, alone or as an item of a batch.
	MaxPipelinesBytes = 32_000
	// MaxPipelinesBatchBytes is the largest batch of calls over Pipelines.
	MaxPipelinesBatchBytes = 500_000
	// MaxRawBytes is the largest body of a request of one's own that a rule makes: what App takes for a message with
	// its attachments. Customer.io takes less at some paths.
	MaxRawBytes = 3_000_000
	// MaxTargetBytes is the longest path with its query, as sent. It is what servers take that take little.
	MaxTargetBytes = 8000
	// MaxIDBytes is the longest id of a person or an object.
	MaxIDBytes = 150
	// MaxAttributes is the number of attributes that one call may set on a person, an object or a relationship.
	MaxAttributes = 300
	// MaxAttributeNameBytes is the longest name of an attribute.
	MaxAttributeNameBytes = 150
	// MaxAttributeValueBytes is the longest value of an attribute: of a string its text, of any other value its JSON.
	MaxAttributeValueBytes = 1000
	// MaxEventNameBytes is the longest name of an event.
	MaxEventNameBytes = 100
	// MaxPageNameRunes is the number of characters in the longest name of a page or screen, whose name may be a URL:
	// "less than 500 characters".
	MaxPageNameRunes = 499
)

// Limit is one of the limits above as the documents show it.
type Limit struct {
	Of     string // what is limited
	Most   int
	Unit   string
	Beyond string // what the bridge does with more
	Source string // where Customer.io says so
	Seen   string // when that was read, as a date
}

const (
	trackSpec     = "Track API, OpenAPI document"
	appSpec       = "App API, documentation"
	pipelinesSpec = "Pipelines API, OpenAPI document"
	clients       = "other clients that are known to work; Customer.io documents none"
	ours          = "the bridge itself; Customer.io documents none"
	seenSpec      = "2026-08-13"
	seenNow       = "2026-11-27"
	unfitting     = "does not fit: left out, cut or a dead letter, as `on_invalid` says"
	refusing      = "dead letter `invalid_value`"
	oversize      = "dead letter `too_large`"
)

// Limits lists the limits, in the order of the documents.
func Limits() []Limit {
	return []Limit{
		{"id of a person", MaxIDBytes, "bytes", refusing, trackSpec, seenSpec},
		{"e-mail address of a person", maxEmailBytes, "bytes", refusing, "RFC 5321, 4.5.3.1.3", seenNow},
		{"id of an object", MaxIDBytes, "bytes", refusing, trackSpec, seenSpec},
		{"id of a form", MaxIDBytes, "bytes", refusing, ours, seenNow},
		{"name of an attribute", MaxAttributeNameBytes, "bytes", unfitting, trackSpec, seenSpec},
		{"value of an attribute", MaxAttributeValueBytes, "bytes", unfitting, trackSpec, seenSpec},
		{"attributes in one call", MaxAttributes, "attributes", unfitting, trackSpec, seenSpec},
		{"attributes of one relationship", MaxAttributes, "attributes", unfitting, trackSpec, seenSpec},
		{"name of an event", MaxEventNameBytes, "bytes", refusing + ", or cut", trackSpec, seenSpec},
		{"name of a page or screen", MaxPageNameRunes, "characters", refusing + ", or cut", trackSpec, seenSpec},
		{"item of a batch", MaxItemBytes, "bytes", "an event, page or screen goes alone over v1; any other call is a " +
			oversize, trackSpec, seenSpec},
		{"data of an event that goes alone", MaxEventDataBytes, "bytes", oversize, trackSpec, seenSpec},
		{"body of a batch", MaxBatchBytes, "bytes", "the next batch", trackSpec, seenSpec},
		{"items of a batch", MaxBatchItems, "items", "the next batch", clients, seenSpec},
		{"people in one call of a segment", MaxSegmentIDs, "identifiers", "the next request", trackSpec, seenSpec},
		{"request to Pipelines", MaxPipelinesBytes, "bytes", oversize, pipelinesSpec, seenSpec},
		{"item of a batch to Pipelines", MaxPipelinesBytes, "bytes", oversize, pipelinesSpec, seenSpec},
		{"batch to Pipelines", MaxPipelinesBatchBytes, "bytes", oversize, pipelinesSpec, seenSpec},
		{"request to /api/v2/entity", MaxItemBytes, "bytes", oversize, trackSpec, seenSpec},
		{"item of a request to /api/v2/batch", MaxItemBytes, "bytes", oversize, trackSpec, seenSpec},
		{"request to /api/v2/batch", MaxBatchBytes, "bytes", oversize, trackSpec, seenSpec},
		{"message without its attachments", MaxMessageBytes, "bytes", oversize, appSpec, seenNow},
		{"attachments of a message, before they are encoded", MaxAttachmentBytes, "bytes", oversize, appSpec, seenNow},
		{"recipients of an e-mail: to, cc and bcc together", MaxRecipients, "addresses", oversize, appSpec, seenNow},
		{"trigger of a broadcast", MaxTriggerBytes, "bytes", oversize, appSpec, seenNow},
		{"data of a broadcast", MaxTriggerDataBytes, "bytes", oversize, appSpec, seenNow},
		{"people whom a trigger names", MaxTriggerPeople, "people", oversize, appSpec, seenNow},
		{"any other request that a rule writes", MaxRawBytes, "bytes", oversize, ours, seenNow},
		{"path and query of a request", MaxTargetBytes, "bytes", oversize, ours, seenNow},
	}
}
