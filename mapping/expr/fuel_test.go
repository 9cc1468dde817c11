package expr

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// Programs on the raw bytes pay for what they look through in a loop.
func TestFastPathProgramsPay(t *testing.T) {
	list := "[" + strings.Repeat("0,", 100_000) + "0]"
	big := `{"a":[` + strings.Repeat(`{"b":[1,2]},`, 60_000) + `0],"z":1}`
	for i, src := range []string{`.list | map($item.z)`, `.list | map($item.z?)`, `.list | map($item == $item)`,
		`.list | map($item.a | length)`, `[.list[] | $item | tostring]`, `.list | map("\($item)")`,
		`.list | map(select($item.a[59999] == 1))`, `[.list[] | $item.a[0].b]`, `.list | map($item | type)`} {
		if !longtest.On() && i%4 > 0 {
			continue
		}
		s, ps := sealed(t, []string{src})
		var d Document
		if err := d.Parse(s, []byte(`{"list":`+list+`}`)); err != nil {
			t.Fatal(err)
		}
		d.Bind("item", Value{Kind: Object, Raw: []byte(big)})
		if !ps[0].OnFastPath() {
			t.Fatalf("%s does not run on the raw bytes", src)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := ps[0].One(&d)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 96 || took > 20*time.Second ||
			d.fuel.Steps() > 2_200_000 {
			t.Errorf("%s made %d MiB in %s with %d steps", src, made, took, d.fuel.Steps())
		}
		if !strings.HasSuffix(src, "type)") && err == nil {
			t.Errorf("%s ended", src)
		}
	}
}
