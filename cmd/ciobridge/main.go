package main

import (
	"context"
	"os"
)

func main() {
	noCoreDumps()
	os.Exit(run(context.Background(), os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}
