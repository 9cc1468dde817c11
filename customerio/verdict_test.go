package customerio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
)

// The table below is the rule book, one letter for each status of a class: A accepted, R refused, S split, T try again,
// H halt. It stands apart from the code, as a list of what is not the ordinary answer of its hundred.
type book struct {
	hundreds string // for 1xx to 5xx
	others   map[int]byte
}

func (b book) verdict(status int) byte {
	if letter, ok := b.others[status]; ok {
		return letter
	}
	return b.hundreds[status/100-1]
}

var books = map[customerio.Endpoint]map[bool]book{
	customerio.Batch: {
		true: {"TAHST", map[int]byte{401: 'H', 402: 'H', 403: 'H', 404: 'H', 405: 'H', 407: 'H', 410: 'H',
			408: 'T', 425: 'T', 429: 'T', 501: 'H'}},
		false: {"TAHRT", map[int]byte{401: 'H', 402: 'H', 403: 'H', 404: 'H', 405: 'H', 407: 'H', 410: 'H',
			408: 'T', 425: 'T', 429: 'T', 501: 'H'}},
	},
	// Where the path may name what the call is about, 403, 404 and the like speak of the call.
	customerio.Single: one, customerio.App: one, customerio.Broadcast: one, customerio.Transactional: one,
	customerio.Pipelines: one, customerio.Beta: one,
}

var one = map[bool]book{
	true:  {"TAHST", map[int]byte{401: 'H', 402: 'H', 407: 'H', 408: 'T', 425: 'T', 429: 'T'}},
	false: {"TAHRT", map[int]byte{401: 'H', 402: 'H', 407: 'H', 408: 'T', 425: 'T', 429: 'T'}},
}

var letters = map[customerio.Verdict]byte{
	customerio.Accepted: 'A', customerio.Refused: 'R', customerio.Split: 'S', customerio.Retry: 'T',
	customerio.Halt: 'H',
}

func TestVerdictOfEveryStatus(t *testing.T) {
	clean := customerio.ErrorBody{Shape: customerio.ShapeClean}
	seen := map[byte]int{}
	for _, endpoint := range customerio.Endpoints() {
		for _, many := range []bool{true, false} {
			for status := 100; status <= 599; status++ {
				got := letters[customerio.VerdictOf(endpoint, status, many, clean)]
				want := books[endpoint][many].verdict(status)
				if got != want {
					t.Errorf("%s, many %t, %d: %c, want %c", endpoint, many, status, got, want)
				}
				seen[got]++
			}
			for _, status := range []int{0, 99, 600, 999, -1} {
				if got := customerio.VerdictOf(endpoint, status, many, clean); got != customerio.Retry {
					t.Errorf("%s, many %t, %d: %s, want retry", endpoint, many, status, got)
				}
			}
		}
	}
	if len(seen) != len(letters) {
		t.Errorf("only %v were met", seen)
	}
}

// Only on a 2xx does the body change the verdict.
func TestVerdictOfEveryBody(t *testing.T) {
	forms := []customerio.Shape{
		customerio.ShapeUnreadable, customerio.ShapeEmpty, customerio.ShapeClean, customerio.ShapeListed,
		customerio.ShapeWhole,
	}
	want := map[string]string{ // in the order of forms
		"200 many": "TAAAT", "200 one": "TAARR",
		"204 many": "TAAAT", "204 one": "TAARR",
		"207 many": "TTAAT", "207 one": "TTARR",
		"202 many": "TTAAT", "202 one": "TTARR",
		"400 many": "SSSSS", "400 one": "RRRRR",
		"401 many": "HHHHH", "401 one": "HHHHH",
		"503 many": "TTTTT", "503 one": "TTTTT",
	}
	for name, letter := range want {
		var status int
		var size string
		if _, err := fmt.Sscan(name, &status, &size); err != nil {
			t.Fatal(err)
		}
		for i, form := range forms {
			for _, endpoint := range customerio.Endpoints() {
				report := customerio.ErrorBody{Shape: form}
				if form == customerio.ShapeListed {
					report.Refusals = make([]customerio.Refusal, 1)
				}
				got := letters[customerio.VerdictOf(endpoint, status, size == "many", report)]
				if got != letter[i] {
					t.Errorf("%s %s, form %d: %c, want %c", endpoint, name, form, got, letter[i])
				}
			}
		}
	}
}

func TestTheZeroMeaningLosesNothing(t *testing.T) {
	if (customerio.Answer{}).Verdict != customerio.Retry {
		t.Error("an answer that nobody filled does not mean retry")
	}
}

func TestCausesAreListedOnce(t *testing.T) {
	seen := map[customerio.Cause]bool{}
	for _, cause := range customerio.Causes() {
		if seen[cause] || cause == "" || strings.ToLower(string(cause)) != string(cause) {
			t.Errorf("cause %q", cause)
		}
		seen[cause] = true
	}
}
