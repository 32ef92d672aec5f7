package hostile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// dial opens a connection that ends with the test.
func dial(t testing.TB, g *apptest.Gateway) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(g.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// head is a request head: a line, a host, and more lines.
func head(line string, more ...string) string {
	return line + "\r\nHost: gateway\r\nContent-Type: application/json\r\n" + strings.Join(append(more, "", ""), "\r\n")
}

// answers reads answers until the connection ends. It fails if that does not
// come in time: whoever called it wants the connection closed.
func answers(t testing.TB, what string, c net.Conn) (list []answer) {
	t.Helper()
	br := bufio.NewReader(c)
	for {
		response, err := http.ReadResponse(br, nil)
		if err != nil {
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s: the connection stays open after %d answers", what, len(list))
			}
			return list
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Errorf("%s: answer %d breaks off: %v", what, len(list)+1, err)
			return list
		}
		list = append(list, answer{response.StatusCode, response.Header, string(body)})
	}
}

// exchange sends raw bytes and returns the answers up to the connection's end.
func exchange(t testing.TB, g *apptest.Gateway, what, raw string) []answer {
	t.Helper()
	c := dial(t, g)
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	return answers(t, what, c)
}

// chunked returns s as a chunked body.
func chunked(s string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(s), s) }

// length returns a Content-Length line.
func length(n int) string { return fmt.Sprintf("Content-Length: %d", n) }
