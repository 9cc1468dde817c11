package rawrequest

import (
	"encoding/json"
	"fmt"

	"github.com/ciobridge/ciobridge/customerio"
)

// SizeError is about a body, or an item of a batch, that is larger than Customer.io takes.
type SizeError struct {
	Item       int // its number in the batch, from 1; 0 for the whole body
	Size, Most int
}

func (e *SizeError) Error() string {
	what := "the body"
	if e.Item > 0 {
		what = fmt.Sprintf("item %d of the batch", e.Item)
	}
	return fmt.Sprintf("%s is %d bytes; Customer.io takes %d", what, e.Size, e.Most)
}

// checkSize holds a body to the sizes that Customer.io documents for its path. Pipelines drops what is larger, with a
// 200 where it is not asked to be strict, and of Track the answer is not documented.
func checkSize(api customerio.API, path string, body []byte) error {
	whole, each := 0, 0
	switch {
	case api == customerio.PipelinesAPI && path == "/v1/batch":
		whole, each = customerio.MaxPipelinesBatchBytes, customerio.MaxPipelinesBytes
	case api == customerio.PipelinesAPI:
		whole = customerio.MaxPipelinesBytes
	case api == customerio.TrackAPI && path == customerio.BatchPath:
		whole, each = customerio.MaxBatchBytes, customerio.MaxItemBytes
	case api == customerio.TrackAPI && path == "/api/v2/entity":
		whole = customerio.MaxItemBytes
	}
	if whole > 0 && len(body) > whole {
		return &SizeError{Size: len(body), Most: whole}
	}
	if each == 0 || len(body) <= each {
		return nil
	}
	var of struct {
		Batch []json.RawMessage `json:"batch"`
	}
	if json.Unmarshal(body, &of) != nil {
		return nil // what it is instead is for the server to say
	}
	for i, item := range of.Batch {
		if len(item) > each {
			return &SizeError{Item: i + 1, Size: len(item), Most: each}
		}
	}
	return nil
}
