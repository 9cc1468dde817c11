package event

import "testing"

func BenchmarkIDAppendTo(b *testing.B) {
	id := ID{1, 155, 62, 3, 200, 17, 9, 8, 7, 6, 5, 4, 3, 2, 1, 255}
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = id.AppendTo(buf[:0])
	}
}
