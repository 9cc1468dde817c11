package exit

import "errors"

// The exit codes, which scripts may rely on.
const (
	OK          = 0
	Failure     = 1 // anything that has no code of its own
	Input       = 2 // bad flags, configuration, rules or data
	Credentials = 3 // Customer.io refuses the credentials
	Broker      = 4 // Kafka or NATS cannot be used as configured
	CustomerIO  = 5 // Customer.io cannot be used
	Differences = 6 // a check or a test found differences
)

// An Error is an error that decides the exit code. It reads as its cause does.
type Error struct {
	Code  int
	Cause error
}

func (e *Error) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// With marks an error with an exit code. No error stays none.
func With(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{code, err}
}

// Or marks an error that has no mark yet.
func Or(code int, err error) error {
	var marked *Error
	if errors.As(err, &marked) {
		return err
	}
	return With(code, err)
}

// Code is the exit code that an error decides: that of its outermost mark.
func Code(err error) int {
	var coded *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &coded):
		return coded.Code
	}
	return Failure
}
