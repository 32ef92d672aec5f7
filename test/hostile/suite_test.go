package hostile_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

// ways are the ways in which a request comes to be read by net/http, or by the server
// for plain requests first.
var ways = map[string]func(t *testing.T, c net.Conn, request string){
	"at once": func(t *testing.T, c net.Conn, request string) { write(t, c, request) },
	"in two pieces": func(t *testing.T, c net.Conn, request string) {
		write(t, c, request[:7])
		write(t, c, request[7:])
	},
	// A field that is not plain leaves the connection to net/http.
	"behind another": func(t *testing.T, c net.Conn, request string) {
		write(t, c, head("GET /v1/models HTTP/1.1", "Pragma: no-cache")+request)
	},
}

// TestRequestsOfSuites sends what public suites know to be read in different ways. It
// is refused, nothing of it reaches the model server, and the connection ends; what
// only looks like it is served.
func TestRequestsOfSuites(t *testing.T) { withEach(t, requestsOfSuites) }

func requestsOfSuites(t *testing.T, setting string) {
	file, err := os.ReadFile("../../testdata/ambiguous-requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Source, Case, Verdict, Request string }
	if err := json.Unmarshal(file, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 50 {
		t.Fatalf("there are %d cases only", len(cases))
	}
	fill := strings.NewReplacer("@body", chat, "@length", fmt.Sprint(len(chat)), "@size", fmt.Sprintf("%x", len(chat)))
	for way, send := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			g, r := start(t, apptest.Options{Server: setting})
			for _, tt := range cases {
				name, before := tt.Source+" "+tt.Case, len(r.all())
				c := dial(t, g)
				send(t, c, fill.Replace(tt.Request))
				list := answers(t, name, c)
				if way == "behind another" {
					if len(list) == 0 || list[0].status != 200 {
						t.Fatalf("%s: the request before is answered with %v", name, list)
					}
					list = list[1:]
				}
				sent := len(r.all()) - before
				switch tt.Verdict {
				case "refused":
					// 501 is for transfer codings that nobody knows.
					if len(list) != 1 || list[0].status != 400 && list[0].status != 501 || sent != 0 {
						t.Errorf("%s: %d requests reached the model server, the answers are %v", name, sent, list)
					}
				case "taken":
					if len(list) != 1 || list[0].status != 200 || sent != 1 {
						t.Errorf("%s: %d requests reached the model server, the answers are %v", name, sent, list)
					}
				default:
					t.Errorf("%s: the verdict is %q", name, tt.Verdict)
				}
			}
		})
	}
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}
