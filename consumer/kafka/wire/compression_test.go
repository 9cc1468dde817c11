package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/compress/snappy"
)

// packer packs as one of the clients of Kafka does.
type packer struct {
	name  string
	codec compress.Compression
	open  func(io.Writer) (io.WriteCloser, error)
}

func packers() []packer {
	of := func(c compress.Codec) func(io.Writer) (io.WriteCloser, error) {
		return func(w io.Writer) (io.WriteCloser, error) { return c.NewWriter(w), nil }
	}
	list := []packer{
		{"gzip", compress.Gzip, of(compress.Gzip.Codec())},
		{"snappy, framed", compress.Snappy, of(&snappy.Codec{Framing: snappy.Framed})},
		{"snappy, unframed", compress.Snappy, of(&snappy.Codec{Framing: snappy.Unframed})},
		{"zstd, size told", compress.Zstd, func(w io.Writer) (io.WriteCloser, error) { return &whole{to: w}, nil }},
		{"zstd", compress.Zstd, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }},
	}
	for _, size := range []lz4.BlockSize{lz4.Block64Kb, lz4.Block4Mb} {
		for _, checked := range []bool{true, false} {
			list = append(list, packer{fmt.Sprintf("lz4, blocks of %d, %v", size, checked), compress.Lz4,
				func(w io.Writer) (io.WriteCloser, error) {
					z := lz4.NewWriter(w)
					return z, z.Apply(lz4.BlockSizeOption(size), lz4.BlockChecksumOption(checked),
						lz4.ChecksumOption(checked))
				}})
		}
	}
	return list
}

// whole packs all at once.
type whole struct {
	bytes.Buffer
	to io.Writer
}

func (w *whole) Close() error {
	z, err := zstd.NewWriter(nil)
	if err == nil {
		_, err = w.to.Write(z.EncodeAll(w.Bytes(), nil))
	}
	return err
}

func (p packer) pack(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := p.open(&out)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// texts are easy, usual and impossible to pack.
func texts() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 80_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var usual []byte
	for i := range 3_000 {
		event, _ := json.Marshal(map[string]any{"id": i, "customer": r.IntN(1000), "total": r.Float64()})
		usual = append(usual, event...)
	}
	return [][]byte{{'x'}, noise[:100], noise, usual[:5000], usual, bytes.Repeat([]byte("a"), 300_000),
		slices.Concat(noise, usual)}
}

// What every client packs is unpacked, also into the limit itself, and whatever the batches before were like. What is
// cut off or damaged is not taken for whole, or has the limit's size at most.
func TestDecompress(t *testing.T) {
	const limit = 512 << 10
	for _, p := range packers() {
		d := &Decompressor{}
		for i, text := range texts() {
			packed := p.pack(t, text)
			got, err := d.Decompress(int(p.codec), packed, len(text))
			if err != nil || !bytes.Equal(got.Bytes, text) {
				t.Errorf("%s, text %d: %v", p.name, i, err)
				continue
			}
			var broken *CorruptError
			if _, err := d.Decompress(int(p.codec), packed, len(text)-1); !errors.As(err, &broken) && len(text) > 1 {
				t.Errorf("%s, text %d: it fits into less than it needs: %v", p.name, i, err)
			}
			for range 4 {
				damaged := slices.Clone(packed)
				damaged[rand.IntN(len(damaged))] ^= byte(1 + rand.IntN(255))
				if got, err := d.Decompress(int(p.codec), damaged, limit); err == nil && len(got.Bytes) > limit {
					t.Errorf("%s, text %d, damaged: %d bytes", p.name, i, len(got.Bytes))
				}
				cut := packed[:rand.IntN(len(packed))]
				if got, err := d.Decompress(int(p.codec), cut, limit); err == nil && bytes.Equal(got.Bytes, text) &&
					len(cut) < len(packed)-16 { // checksums may be cut off
					t.Errorf("%s, text %d: %d of %d bytes are taken for all", p.name, i, len(cut), len(packed))
				}
			}
		}
	}
}

// Frames that stand behind each other, and such as are to be skipped, are read as one.
func TestDecompressFrames(t *testing.T) {
	text := texts()[3]
	for _, p := range packers() {
		packed := p.pack(t, text)
		skipped := []byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}
		switch p.codec {
		case compress.Snappy:
			continue
		case compress.Gzip:
			skipped = nil
		}
		got, err := new(Decompressor).Decompress(int(p.codec), slices.Concat(packed, skipped, packed), 1<<20)
		if err != nil || !bytes.Equal(got.Bytes, slices.Concat(text, text)) {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// linkedLz4 is a frame of two blocks, of which the second repeats the first, as librdkafka and Java may write it.
var linkedLz4 = []byte("\x04\x22\x4d\x18\x40\x40\xc0" + "\x0d\x00\x00\x00" + "\xc0hello, world" + "\x09\x00\x00\x00" +
	"\x08\x0c\x00\x50, yes" + "\x00\x00\x00\x00")

func TestDecompressLinkedBlocks(t *testing.T) {
	got, err := new(Decompressor).Decompress(int(compress.Lz4), linkedLz4, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if want := "hello, worldhello, world, yes"; string(got.Bytes) != want {
		t.Errorf("%q, want %q", got.Bytes, want)
	}
}

func BenchmarkDecompress(b *testing.B) {
	text := texts()[4]
	for _, p := range packers() {
		b.Run(p.name, func(b *testing.B) {
			var out bytes.Buffer
			w, err := p.open(&out)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = w.Write(text)
			_ = w.Close()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			d := &Decompressor{}
			for b.Loop() {
				got, err := d.Decompress(int(p.codec), out.Bytes(), 1<<20)
				if err != nil {
					b.Fatal(err)
				}
				got.Release()
			}
		})
	}
}
