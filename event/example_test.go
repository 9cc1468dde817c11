package event_test

import (
	"fmt"

	"github.com/ciobridge/ciobridge/event"
)

// The id of a call is a ULID. Its text is the same in every process, so that Customer.io knows a repeat by it.
func ExampleID() {
	id := event.ID{0x01, 0x8f, 0x3c, 0x5a, 0x2e, 0x10, 'o', 'r', 'd', 'e', 'r', '-', '4', '7', '1', '1'}
	fmt.Println(id)
	fmt.Println(string(id.AppendTo([]byte("id="))))
	fmt.Println(event.ID{}.IsZero())
	// Output:
	// 01HWY5MBGGDXS68SBJ5MT3EC9H
	// id=01HWY5MBGGDXS68SBJ5MT3EC9H
	// true
}

func ExampleParseID() {
	id, err := event.ParseID("01arz3ndektsv4rrffq69g5fav")
	fmt.Println(id, err)
	_, err = event.ParseID("f47ac10b-58cc-4372-a567-0e02b2c3d479")
	fmt.Println(err)
	// Output:
	// 01ARZ3NDEKTSV4RRFFQ69G5FAV <nil>
	// not a ULID: want 26 characters of Crockford's base 32
}
