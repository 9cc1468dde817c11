// Command nats stands in for the NATS command line where that is not installed, so that the README's commands can be
// tested:
//
//	nats --server URL pub SUBJECT BODY
package main

import (
	"fmt"
	"os"

	"github.com/nats-io/nats.go"
)

func main() {
	if len(os.Args) != 6 || os.Args[1] != "--server" || os.Args[3] != "pub" {
		fmt.Fprintln(os.Stderr, "usage: nats --server URL pub SUBJECT BODY")
		os.Exit(2)
	}
	if err := publish(os.Args[2], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		os.Exit(1)
	}
}

func publish(url, subject, body string) error {
	conn, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Publish(subject, []byte(body)); err != nil {
		return err
	}
	return conn.Flush()
}
