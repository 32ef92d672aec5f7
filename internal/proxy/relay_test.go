package proxy

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// deadlined notes the deadlines of writes, and how much was written in all when
// they were set.
type deadlined struct {
	*httptest.ResponseRecorder
	at []int
}

func (w *deadlined) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() {
		w.at = append(w.at, w.Body.Len())
	}
	return nil
}

// TestLargeAnswersNeedProgressOnly: a client that reads a large answer slowly has
// time for every piece of it.
func TestLargeAnswersNeedProgressOnly(t *testing.T) {
	for size, want := range map[int]int{0: 0, blockingBytes: 0, blockingBytes + 1: 1, 3*pieceBytes + 1: 4} {
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		x := new(exchange)
		x.w, x.control = w, *http.NewResponseController(w)
		x.write(http.StatusOK, make([]byte, size))
		if len(w.at) != want || w.Body.Len() != size {
			t.Errorf("%d bytes: %d were written, with deadlines after %v", size, w.Body.Len(), w.at)
		}
	}
}
