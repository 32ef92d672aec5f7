package proxy

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// piecemeal notes the largest piece that is written.
type piecemeal struct {
	*httptest.ResponseRecorder
	largest int
}

func (w *piecemeal) Write(p []byte) (int, error) {
	w.largest = max(w.largest, len(p))
	return w.ResponseRecorder.Write(p)
}

// TestLargeAnswersNeedProgressOnly: a client that reads a large answer slowly has
// the server's patience for every piece of it.
func TestLargeAnswersNeedProgressOnly(t *testing.T) {
	for _, size := range []int{0, 1, pieceBytes, 3*pieceBytes + 1} {
		w := &piecemeal{ResponseRecorder: httptest.NewRecorder()}
		x := new(exchange)
		x.w = w
		x.write(http.StatusOK, make([]byte, size))
		if w.largest != min(size, pieceBytes) || w.Body.Len() != size {
			t.Errorf("%d bytes: %d were written, %d at once", size, w.Body.Len(), w.largest)
		}
	}
}
