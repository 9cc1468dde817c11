package consumer

import "testing"

func TestKafkaContract(t *testing.T) {
	testContract(t, func(t *testing.T) testbed { return startKafka(t) })
}

func TestRealKafkaContract(t *testing.T) {
	testContract(t, func(t *testing.T) testbed { return realKafka(t, 1) })
}
