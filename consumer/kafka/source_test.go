package kafka

import (
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/consumertest"
)

func TestKafkaContract(t *testing.T) {
	t.Parallel()
	consumertest.Run(t, func(t *testing.T) consumertest.Testbed {
		b := startKafka(t)
		b.session = 5 * time.Second / 2
		return b
	})
}

func TestRealKafkaContract(t *testing.T) {
	consumertest.Run(t, func(t *testing.T) consumertest.Testbed { return realKafka(t, 1) })
}
