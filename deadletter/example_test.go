package deadletter_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/event"
)

// order is the failed message of an order of which so many calls failed.
func order(number int64, reason event.Reason, calls ...string) event.FailedMessage {
	failed := event.FailedMessage{Message: event.Message{
		Origin: event.Origin{Topic: "shop.orders", Partition: 2, Offset: number},
		Key:    []byte("person-7"),
		Value:  fmt.Appendf(nil, `{"type":"order_completed","number":%d}`, number),
		Time:   time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	}}
	for i, call := range calls {
		failed.Failures = append(failed.Failures, event.Failure{
			ID: event.ID{0: 1, 14: byte(number), 15: byte(i)}, Stage: event.StageDelivery, Reason: reason,
			Rule: "order", Call: call, Detail: "the answer was 400", Attempts: 1,
		})
	}
	return failed
}

// openFile opens an empty log in a file.
func openFile() (store *file.Store, remove func()) {
	dir, err := os.MkdirTemp("", "letters")
	if err != nil {
		panic(err)
	}
	store = file.New(deadletter.Config{File: filepath.Join(dir, "dead.jsonl")}, "config-1")
	return store, func() { os.RemoveAll(dir) }
}

// A failed message is one record, and each of its failures is a letter.
func ExampleDecode() {
	failed := order(41, event.ReasonRefused, "identify", "track:order_completed")
	record := deadletter.Encode(&failed, time.Now(), "config-1")

	letters, _, err := deadletter.Decode(record)
	if err != nil {
		fmt.Println(err)
	}
	for _, l := range letters {
		fmt.Println(l.ID(), l.Message.Origin, l.Failure.Call, l.Failure.Reason)
	}
	fmt.Println(letters[0].EventID == letters[1].EventID)
	// Output:
	// 01000000000000000000000A80 shop.orders/2@41 identify refused
	// 01000000000000000000000A81 shop.orders/2@41 track:order_completed refused
	// true
}

// A filter chooses among the open letters. Nothing is read twice but the letters that were chosen.
func ExampleList() {
	store, remove := openFile()
	defer remove()
	ctx := context.Background()
	err := store.Put(ctx,
		order(41, event.ReasonRefused, "identify"),
		order(42, event.ReasonMissingField, "identify"),
		order(43, event.ReasonRefused, "track:order_completed"),
	)
	if err != nil {
		fmt.Println(err)
	}

	refused := deadletter.Filter{Reasons: []event.Reason{event.ReasonRefused}}
	for l, err := range deadletter.List(ctx, store, refused) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Printf("%s %s: %s\n", l.Message.Origin, l.Failure.Call, deadletter.Masked(l.Message.Value))
	}
	// Output:
	// shop.orders/2@41 identify: {"type":"string(15)","number":"number(2)"}
	// shop.orders/2@43 track:order_completed: {"type":"string(15)","number":"number(2)"}
}

// A resolution is written behind the letter, which stays in the log and is open no more.
func ExampleLetter_Resolve() {
	store, remove := openFile()
	defer remove()
	ctx := context.Background()
	if err := store.Put(ctx, order(41, event.ReasonRefused, "identify", "track:order_completed")); err != nil {
		fmt.Println(err)
	}
	for l, err := range deadletter.List(ctx, store, deadletter.Filter{All: true, Limit: 1}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		if err := store.Resolve(ctx, l.Resolve(deadletter.Discarded, "the customer has left")); err != nil {
			fmt.Println(err)
		}
		histories, err := deadletter.Show(ctx, store, l.ID())
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(l.Failure.Call, "is open:", histories[0].Open)
		fmt.Println(histories[0].Resolutions[0].Kind, "because", histories[0].Resolutions[0].Note)
	}
	stats, err := deadletter.Stats(ctx, store)
	fmt.Println(stats.Open, "open,", stats.Resolved, "resolved,", err)
	// Output:
	// identify is open: false
	// discarded because the customer has left
	// 1 open, 1 resolved, <nil>
}

// What nobody needs is discarded by the same filters, with a note for those who look later.
func ExampleDiscard() {
	store, remove := openFile()
	defer remove()
	ctx := context.Background()
	if err := store.Put(ctx, order(41, event.ReasonRefused, "identify"),
		order(42, event.ReasonNoType, "")); err != nil {
		fmt.Println(err)
	}
	n, err := deadletter.Discard(ctx, store, deadletter.Filter{Reasons: []event.Reason{event.ReasonNoType}},
		"test traffic")
	fmt.Println(n, err)
	// Output: 1 <nil>
}

// Of a value people see the shape. A key that may be personal data itself is hidden too.
func ExampleMasked() {
	value := []byte(`{"email":"ann@example.com","plan":null,"consents":{"ann@example.com":true}}`)
	fmt.Printf("%s\n", deadletter.Masked(value))
	fmt.Printf("%s\n", deadletter.Masked([]byte("not JSON")))
	// Output:
	// {"email":"string(15)","plan":null,"consents":{"key(15)":"boolean"}}
	// hidden(8 bytes)
}
