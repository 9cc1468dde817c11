package lines

import (
	"context"
	"io"
)

// input reads something that cannot be told to stop, such as a terminal or a pipe, until a context ends. The goroutine
// that reads is left behind then, with nobody to read for: it ends with the process, or with the next that comes.
type input struct {
	ctx  context.Context
	read chan block
	rest block
}

// block is what one read gave.
type block struct {
	bytes []byte
	err   error
}

func newInput(ctx context.Context, from io.Reader) *input {
	in := &input{ctx: ctx, read: make(chan block)}
	go func() {
		for {
			b := block{bytes: make([]byte, 64<<10)}
			var n int
			n, b.err = from.Read(b.bytes)
			b.bytes = b.bytes[:n]
			select {
			case in.read <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return in
}

// Read implements io.Reader.
func (in *input) Read(p []byte) (int, error) {
	for len(in.rest.bytes) == 0 {
		if in.rest.err != nil {
			return 0, in.rest.err
		}
		select {
		case in.rest = <-in.read:
		case <-in.ctx.Done():
			return 0, in.ctx.Err()
		}
	}
	n := copy(p, in.rest.bytes)
	in.rest.bytes = in.rest.bytes[n:]
	return n, nil
}
