package sdk

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails where a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(tidy{m}) }

// tidy ends what the tests share before goroutines are counted.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	libraries.close()
	http.DefaultClient.CloseIdleConnections()
	return code
}
