package deadletter_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// A broker that refuses and one that is silent are waited for as long, and then named. Nobody is said to hold the lock.
func TestKafkaRefusedOrSilentIsWaitedForAsLong(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	const limit = 15 * time.Second
	for name, addr := range map[string]string{"silent": silent.Addr().String(), "refused": closed.Addr().String()} {
		for doing, do := range map[string]func(s storetest.Store) error{
			"scan": func(s storetest.Store) error {
				return s.Scan(t.Context(), func(deadletter.Record) error { return nil })
			},
			"lock": func(s storetest.Store) error {
				_, err := s.Lock(t.Context(), func(time.Time) {
					t.Errorf("%s: it says that another holds the lock", name)
				})
				return err
			},
		} {
			t.Run(name+" "+doing, func(t *testing.T) {
				t.Parallel()
				s := storetest.Kafka(t, []string{addr}, deadletter.Config{Topic: lettertest.Topic})
				begun := time.Now()
				err := do(s)
				if !errors.Is(err, deadletter.ErrUnreachable) || !strings.Contains(err.Error(), addr) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(begun); took < limit/2 || took > 2*limit {
					t.Errorf("it took %s", took)
				}
			})
		}
	}
}
