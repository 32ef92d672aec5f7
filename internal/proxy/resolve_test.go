package proxy

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// TestGrowth: a body that keeps its promise is read with little to spare, and a
// promise alone makes little room.
func TestGrowth(t *testing.T) {
	for _, declared := range []int64{-1, 1, 511, 512, 4096, firstGrowth - 1, firstGrowth, firstGrowth + 1, 1 << 20, 10 << 20} {
		room, have := 0, 0
		size := max(int(declared), 1<<20*btoi(declared < 0))
		for have < size+1 { // the end is found with one byte more
			room = have + growth(have, declared)
			if room <= have || room > max(firstGrowth, 2*have, 512) {
				t.Fatalf("with %d of %d bytes, there is room for %d", have, declared, room)
			}
			have = room
		}
		if declared >= 0 && room > max(512, size+1) && room > size+512 {
			t.Errorf("%d bytes end in room for %d", declared, room)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestReadAll reads bodies of every size, however they come in.
func TestReadAll(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, firstGrowth - 1, firstGrowth, firstGrowth + 1, 200_000} {
		want := strings.Repeat("x", n)
		for _, declared := range []int64{-1, int64(n)} {
			x := exchange{}
			x.r = httptest.NewRequest("POST", "/", nil)
			x.r.ContentLength = declared
			if err := x.readAll(iotest.DataErrReader(strings.NewReader(want))); err != nil || string(x.body) != want {
				t.Errorf("%d bytes, declared %d: %d come, %v", n, declared, len(x.body), err)
			}
			x.body = nil
			if err := x.readAll(iotest.HalfReader(bytes.NewBufferString(want))); err != nil || string(x.body) != want {
				t.Errorf("%d bytes in pieces, declared %d: %d come, %v", n, declared, len(x.body), err)
			}
		}
	}
}
