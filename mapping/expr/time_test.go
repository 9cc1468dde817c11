package expr

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// TestWhatATimeErrorAdvisesWorks follows the advice that unix, unix_ms and time: give: the program that they name
// gives a time, and there is advice wherever a usual unit is mixed up.
func TestWhatATimeErrorAdvisesWorks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	values := []string{`"9999-12-31T23:59:59Z"`, `9223372036854775807`, `-1`, `"-5"`, `0`, `1e18`, `"tomorrow"`,
		`7289654400`, `86399999`}
	advised := 0
	for range longtest.Either(10, 60) {
		second := 100_000_000 + r.Int64N(7_000_000_000)
		for _, perSecond := range []int64{1, 1000, 1_000_000, 1_000_000_000} {
			n := new(big.Int).Mul(big.NewInt(second), big.NewInt(perSecond))
			values = append(values, n.String(), `"`+n.String()+`"`, n.String()+".5",
				n.Add(n, big.NewInt(perSecond-1)).String())
		}
	}
	for _, text := range []string{"2026-11-26T10:00:00", "2026-11-26 10:00", "Thu, 26 Nov 2026 10:00:00"} {
		values = append(values, `"`+text+`"`)
	}
	for _, f := range []string{"unix", "unix_ms", "unix_us", "unix_ns"} {
		for _, value := range values {
			_, err := runOne(t, ".x | "+f, `{"x":`+value+`}`)
			if err == nil {
				continue
			}
			_, steps, ok := strings.Cut(err.Error(), ": use ")
			if !ok {
				_, steps, ok = strings.Cut(err.Error(), "as in ")
			}
			if !ok {
				continue
			}
			advised++
			v, err := runOne(t, ".x | "+steps, `{"x":`+value+`}`)
			if err != nil {
				t.Errorf("%s | %s advises %s: %v", value, f, steps, err)
			} else if _, _, problem := (TimeReader{PerSecond: 1}).Read(v); problem != "" {
				t.Errorf("%s | %s advises %s: %s %s", value, f, steps, v.Raw, problem)
			}
		}
	}
	if advised < longtest.Either(80, 500) {
		t.Errorf("advice for %d values only", advised)
	}
}
