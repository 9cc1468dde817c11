package emulator_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ciobridge/ciobridge/emulator"
)

// post sends a body with the emulator's default credentials.
func post(url, body string) string {
	req, _ := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	req.SetBasicAuth(emulator.DefaultSiteID, emulator.DefaultAPIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(string(text)))
}

// A test starts the emulator, sends to it, and reads what arrived.
func Example() {
	e := emulator.New(emulator.Options{})
	srv := httptest.NewServer(e)
	defer srv.Close()

	fmt.Println(post(srv.URL+"/api/v2/entity",
		`{"type":"person","identifiers":{"id":"7"},"action":"event","name":"order_completed","attributes":{"total":12.5}}`))
	for _, r := range e.Receipts(0) {
		fmt.Println(r.N, r.Action, r.Person, r.Name, r.Taken)
	}
	// Output:
	// 200 {}
	// 1 event id:7 order_completed true
}

// What is wrong is refused by name.
func ExampleServer_Receipts() {
	e := emulator.New(emulator.Options{})
	srv := httptest.NewServer(e)
	defer srv.Close()

	post(srv.URL+"/api/v2/entity",
		`{"type":"person","identifiers":{"id":"7"},"action":"event","name":"n","timestamp":1700000000000}`)
	for _, r := range e.Receipts(0) {
		fmt.Println(r.Taken, r.Status)
	}
	// Output:
	// false 400
}

// A fault makes the emulator misbehave: here the second request to it is answered 503 once.
func ExampleServer_AddFault() {
	e := emulator.New(emulator.Options{})
	srv := httptest.NewServer(e)
	defer srv.Close()
	if _, err := e.AddFault(emulator.Fault{Name: "outage", Nth: 2, Status: 503}); err != nil {
		fmt.Println(err)
	}

	for range 3 {
		fmt.Println(post(srv.URL+"/api/v2/entity",
			`{"type":"person","identifiers":{"id":"7"},"action":"identify","attributes":{"plan":"pro"}}`))
	}
	fmt.Println(e.FaultCounts())
	// Output:
	// 200 {}
	// 503 {}
	// 200 {}
	// map[outage:1]
}

// Command lines write a fault in one word.
func ExampleParseFault() {
	fault, err := emulator.ParseFault("status=429,retry_after=30,person=id:vip-*,times=2")
	fmt.Println(fault.Status, fault.RetryAfter, fault.Person, fault.Times, err)
	_, err = emulator.ParseFault("colour=red")
	fmt.Println(err)
	// Output:
	// 429 30 id:vip-* 2 <nil>
	// fault "colour=red": "colour" is not a part of a fault
}
