// Package placetest holds every place of reports to one contract: what a report.Target publishes is there once and in
// order, and what a report.Store keeps is there for the next that leads.
//
// It is for tests. It starts no goroutine but those that wait for a lead, which end with the test. Begin with Targets
// and Stores.
package placetest
