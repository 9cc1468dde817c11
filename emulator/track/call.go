package track

import (
	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// none stands for a part that a call does not have.
const none = jsondoc.None

// call is a call that is being read.
type call struct{ *workspace.Call }

func newCall(raw string) call {
	c := workspace.NewCall(raw)
	return call{&c}
}

// The documented limits. Customer.io writes "kb" without saying which; the emulator takes the smaller meaning.
const (
	maxBatchBytes      = 500_000
	maxItemBytes       = 32_000
	maxOldBodyBytes    = 1_000_000 // of Track v1, for which only the parts have documented limits
	maxNameBytes       = 150       // of an attribute
	maxValueBytes      = 1_000
	maxAttributesBytes = 100_000 // all attributes of an object or a relationship
	maxEventNameBytes  = 100
	maxPageNameChars   = 500
	maxEventDataBytes  = 100_000
	maxSegmentIDs      = 1_000
)
