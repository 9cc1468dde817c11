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
	// MaxIDBytes is the longest id of a person.
	MaxIDBytes = 150
	// MaxAttributes is the number of attributes that one call may set on a person.
	MaxAttributes = 300
	// MaxAttributeNameBytes is the longest name of an attribute.
	MaxAttributeNameBytes = 150
	// MaxAttributeValueBytes is the longest value of a person's attribute: of a string its text, of any other value its
	// JSON.
	MaxAttributeValueBytes = 1000
	// MaxEventNameBytes is the longest name of an event.
	MaxEventNameBytes = 100
	// MaxPageNameRunes is the number of characters in the longest name of a page or screen, whose name may be a URL:
	// "less than 500 characters".
	MaxPageNameRunes = 499
)
