package jetstream

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
)

// Messages of all sizes, cut anywhere on their way, come whole and in order although nobody takes them meanwhile, and
// stay as they came until they are done. Nothing is held when all are.
func TestInboxReadsInPieces(t *testing.T) {
	server, client := net.Pipe()
	b := openInbox(client, "_INBOX.test", 128<<10) // chunks of 8 KiB
	defer b.close()

	r := rand.New(rand.NewPCG(3, 5))
	var wire []byte
	var want [][]byte
	for i := range 500 {
		payload := bytes.Repeat([]byte{byte('a' + i%26)}, []int{0, 10, 300, 1000, 8000, 40_000}[r.IntN(6)])
		want = append(want, payload)
		switch header := "NATS/1.0\r\nk: v\r\n\r\n"; i % 3 {
		case 0:
			wire = fmt.Appendf(wire, "HMSG events.%d 1 $JS.ACK.%d %d %d\r\n%s%s\r\n", i, i, len(header),
				len(header)+len(payload), header, payload)
		case 1:
			wire = fmt.Appendf(wire, "MSG events.%d 1 $JS.ACK.%d %d\r\n%s\r\n", i, i, len(payload), payload)
		default:
			wire = fmt.Appendf(wire, "INFO {}\r\nMSG events.%d 1 %d\r\n%s\r\n", i, len(payload), payload)
		}
	}
	for len(wire) > 0 {
		n := min(len(wire), 1+r.IntN(20_000))
		if _, err := server.Write(wire[:n]); err != nil { // which returns when it is read
			t.Fatal(err)
		}
		wire = wire[n:]
	}
	go func() { _, _ = server.Write([]byte("PING\r\n")) }()
	if pong, err := io.ReadAll(io.LimitReader(server, 6)); err != nil || string(pong) != "PONG\r\n" {
		t.Fatalf("a ping is answered by %q, %v", pong, err)
	}

	frames, err := b.receive(nil)
	if err != nil || len(frames) != len(want) || b.received.Load() != uint64(len(want)) || b.held.count.Load() == 0 {
		t.Fatalf("%d messages came, %d bytes are held, %v", len(frames), b.held.count.Load(), err)
	}
	for i, f := range frames {
		reply := ""
		if i%3 < 2 {
			reply = fmt.Sprintf("$JS.ACK.%d", i)
		}
		if string(f.subject) != fmt.Sprintf("events.%d", i) || string(f.reply) != reply ||
			!bytes.Equal(f.payload, want[i]) || len(f.header) > 0 != (i%3 == 0) {
			t.Fatalf("message %d is %s with reply %s and %d bytes", i, f.subject, f.reply, len(f.payload))
		}
		f.chunk.ackMessage()
	}
	if b.held.count.Load() != 0 {
		t.Errorf("%d bytes are held when all is done", b.held.count.Load())
	}
	select {
	case <-b.held.roomAgain:
	default:
		t.Error("nobody is told that there is room again")
	}
}

// A chunk is held whole for as long as one of its messages is in flight.
func TestInboxHoldsTheSlabOfAMessage(t *testing.T) {
	server, client := net.Pipe()
	b := openInbox(client, "_INBOX.test", 128<<10)
	defer b.close()
	wire := strings.Repeat("MSG events 1 10\r\n0123456789\r\n", 100)
	if _, err := io.WriteString(server, wire+"PING\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(server, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	frames, _ := b.receive(nil)
	for _, f := range frames[1:] {
		f.chunk.ackMessage()
	}
	if held := b.held.count.Load(); held < int64(len(wire)) {
		t.Errorf("%d bytes are held by the chunk of one message, want the %d that were read into it", held, len(wire))
	}
	frames[0].chunk.ackMessage()
	if held := b.held.count.Load(); held != 0 {
		t.Errorf("%d bytes are held", held)
	}
}

// What is no NATS, or a refusal of the server, ends the inbox with the reason.
func TestInboxEnds(t *testing.T) {
	for said, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n":             "does not speak",
		"MSG a 1 x\r\n":                            "make no sense",
		"MSG a 1 2\r\nabcdef\r\n":                  "not as long as it says",
		"HMSG a 1 9 3\r\nabc\r\n":                  "make no sense",
		"MSG a 1 99999999999\r\n":                  "make no sense",
		"-ERR 'Permissions Violation for ...'\r\n": "refuses: 'Permissions Violation",
		"": "EOF",
	} {
		server, client := net.Pipe()
		b := openInbox(client, "_INBOX.test", 1<<20)
		go func() {
			_, _ = io.WriteString(server, said)
			server.Close()
		}()
		<-b.arrived
		if _, err := b.receive(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q ends with %v", said, err)
		}
		b.close()
	}
}

// Any bytes are read or refused, never looked at beyond their end, and cut in two give the same.
func FuzzParseFrame(f *testing.F) {
	f.Add([]byte("MSG a.b 1 c 3\r\nabc\r\n"), 7)
	f.Add([]byte("HMSG a 1 $JS.ACK.x 12 14\r\nNATS/1.0\r\n\r\nab\r\n"), 30)
	f.Add([]byte("-ERR 'x'\r\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var whole, half frame
		op, size, need, err := parseFrame(b[:len(b):len(b)], &whole)
		if size > len(b) || err == nil && size == 0 && need <= len(b) {
			t.Fatalf("of %d bytes %d are read and %d needed", len(b), size, need)
		}
		if size == 0 || cut < 0 || cut > size {
			return
		}
		op2, size2, need2, err2 := parseFrame(b[:cut], &half)
		switch {
		case cut < size && (size2 != 0 || err2 != nil || need2 <= cut):
			t.Fatalf("the first %d bytes give %d, need %d, %v", cut, size2, need2, err2)
		case cut == size && (op2 != op || size2 != size || !bytes.Equal(half.payload, whole.payload) ||
			!bytes.Equal(half.header, whole.header)):
			t.Fatalf("cut at its end it is another")
		}
	})
}
