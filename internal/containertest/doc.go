// Package containertest starts real brokers, and a real schema registry, in containers for tests.
//
// It runs internal/brokercontainer, which ends the container with the test, also where this process is killed. A [Door]
// is an address that stays while the container behind it is started again. Where no Docker answers the test is skipped,
// or fails with CIOBRIDGE_REQUIRE_DOCKER=1.
//
// A Door starts a goroutine for its listener and two for each connection, which end with the test. Begin with Start.
package containertest
