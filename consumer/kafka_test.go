package consumer

import "testing"

func TestKafkaContract(t *testing.T) {
	testContract(t, func(t *testing.T) testbed { return startKafka(t) })
}
