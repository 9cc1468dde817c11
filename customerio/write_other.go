//go:build !unix

package customerio

// pendingWrite is nothing where a write is one call.
type pendingWrite struct{}

// writeFor asks once whether the time of a request lasts, and writes a part of it.
func (c *wireConn) writeFor(body *requestBody, p []byte) (n int, err error) {
	if body.overdue() {
		return 0, errLate
	}
	return c.Conn.Write(p)
}
