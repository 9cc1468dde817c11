package longtest

import (
	"flag"
	"fmt"
	"runtime/debug"
)

// Together lets so many parallel tests of a package run at once, unless the command says another number. It is for
// packages whose tests wait for servers and sessions more than they compute, and is called by TestMain. What they hold
// in memory is small, and is collected seldom.
func Together(n int) {
	flag.Parse()
	debug.SetGCPercent(400)
	parallel := flag.Lookup("test.parallel").Value
	if parallel.String() != flag.Lookup("test.parallel").DefValue {
		return
	}
	if err := parallel.Set(fmt.Sprint(n)); err != nil {
		panic(err)
	}
}
