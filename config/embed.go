package config

import "embed"

// Examples holds the example rules of a small shop, as rules/*.yaml, and the events that their tests read, under
// rules/testdata.
//
//go:embed rules
var Examples embed.FS
