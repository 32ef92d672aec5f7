package streams

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails where a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(tidy{m}) }

// tidy closes the connections that are idle before goroutines are counted.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	http.DefaultClient.CloseIdleConnections()
	return code
}
