package kafka

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

func TestMain(m *testing.M) {
	longtest.Together(48)
	goleak.VerifyTestMain(m)
}
