package emulator_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/emulator/fault"
)

func TestFaultsThatMakeNoSense(t *testing.T) {
	for _, spec := range []string{
		"", "status=99", "status=abc", "colour=red", "probability=2,status=500", "nth=-1,reset", "shard=3/3,reset",
		"shard=x,reset", "hang=feet",
		"reset,status=500", "body=x", "item=1,reset", "refuse=x,applied", "latency=-1s",
		"retry_after=date+soon,status=429", `body="x,status=500`,
		`body="x"y,status=500`, "reset=perhaps",
	} {
		if f, err := fault.Parse(spec); err == nil {
			t.Errorf("%q is taken as %+v", spec, f)
		}
	}
}

func TestFaultsAsJSON(t *testing.T) {
	f := fault.Fault{
		Name: "n", Path: "/api", Person: "id:*", Shard: "0/2", Contains: "c", Nth: 1, Times: 2, Probability: 0.5,
		For: time.Minute, Status: 207,
		Body: "b,\"", Location: "l", RetryAfter: "1", Latency: time.Second, Applied: true,
	}
	for _, f := range []fault.Fault{f, {Hang: "body"}, {Reset: true}, {Refuse: "r", Item: 3}} {
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back fault.Fault
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, f) {
			t.Errorf("%s became %+v: %v", b, back, err)
		}
	}
	parsed, err := fault.Parse(`name=n,path=/api,person=id:*,shard=0/2,contains=c,nth=1,times=2,probability=0.5,for=1m,status=207,body="b,\"",location=l,retry_after=1,latency=1s,applied`)
	if err != nil || !reflect.DeepEqual(parsed, f) {
		t.Errorf("%+v: %v", parsed, err)
	}
}
