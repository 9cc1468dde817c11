// Package longtest says whether those parts of the tests run that are long by nature, and how many tests run at once.
package longtest

import (
	"os"
	"testing"
)

const variable = "CIOBRIDGE_LONG_TESTS"

// On reports whether long tests are asked for.
func On() bool { return os.Getenv(variable) != "" }

// Only skips a test that is long by nature, unless such tests are asked for.
func Only(t testing.TB) {
	t.Helper()
	if !On() {
		t.Skip("takes several seconds: set " + variable + "=1 to run it")
	}
}

// Either returns what a test takes in its short form, or where long tests are asked for, in its full one.
func Either[T any](short, full T) T {
	if On() {
		return full
	}
	return short
}
