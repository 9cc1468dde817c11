// Package backfill is the command that sends what the broker has kept from some time, and tells what became of it. It
// begins no work of its own: package backfill reads and maps, and package app joins it to the pipeline. Begin with New.
package backfill
