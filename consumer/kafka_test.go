package consumer

import "testing"

func TestKafkaContract(t *testing.T) {
	Run(t, func(t *testing.T) Testbed { return startKafka(t) })
}

func TestRealKafkaContract(t *testing.T) {
	Run(t, func(t *testing.T) Testbed { return realKafka(t, 1) })
}
