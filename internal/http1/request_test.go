package http1

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// requests are plain ones and others.
var requests = []struct {
	text string
	ours bool // it is served here
}{
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	{"POST /v1/chat/completions HTTP/1.1\r\nHost: a:80\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", true},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", true},
	{"POST / HTTP/1.1\r\nhost: a\r\nx-user-id: b\r\nx-api-key: c\r\nX-API-Key: d\r\n\r\n", true},
	{"GET /a%20b?c=d%2f;e HTTP/1.1\r\nHost: [::1]:8080\r\nAccept:\t*/*  \r\nX-Empty:\r\n\r\n", true},
	{"GET / HTTP/1.1\r\nHost: a\r\nconnection: close\r\n\r\nGET /more HTTP/1.1\r\nHost: a\r\n\r\n", true},
	{"HEAD /한국 HTTP/1.1\r\nHost: a\r\nX-Name: 한국\r\n\r\n", true},
	{"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\n\r\n", true},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nends", true},

	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	{"POST / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n", true},
	{"POST / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", true},

	{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false},
	{"GET / HTTP/1.1\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", false},
	{"GET / HTTP/1.1\nHost: a\n\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\x00\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX-A\r\n\r\n", false},
	{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"get / HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET //a/b HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false},
	{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", false},
	{"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\nok", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nok", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\nok", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nok", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-A\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("a", inputBytes) + "\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\n\r\n", true},
	{"GET / HTTP/1.1\r\nHost", false},
}

func TestWhatIsPlain(t *testing.T) {
	for _, test := range requests {
		var h head
		b := []byte(test.text)
		if ours := h.parse(b[:min(len(b), inputBytes)]) > 0; ours != test.ours {
			t.Errorf("%q: plain is %t, want %t", test.text, ours, test.ours)
		}
	}
}

// describe answers with all that a handler can know of a request.
func describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Header()["Connection"] = []string{"close"} // which net/http does without saying so
	}
	_, _ = fmt.Fprintf(w, "%s %s %q %q %q\n%s %d %d %d %t %v %v\n", r.Method, r.RequestURI, r.URL, r.URL.Path, r.URL.RawPath, r.Proto,
		r.ProtoMajor, r.ProtoMinor, r.ContentLength, r.Close, r.TransferEncoding, r.Trailer)
	_, _ = fmt.Fprintf(w, "%q %q %v %t\n", r.Host, r.Form, r.TLS, r.Body == http.NoBody)
	_ = r.Header.Write(w)
	_, _ = fmt.Fprintf(w, "%q %v", body, err)
}

// FuzzRequests sends whatever to this server and to net/http's: their answers are
// the same, however many there are, and tell the same of the requests. What is refused
// at a byte is left out: net/http closes without a word where it waits for more bytes of a
// further request than come before that one.
func FuzzRequests(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r.text))
		f.Add([]byte(r.text + r.text))
	}
	_, ours := start(f, describe)
	_, left := startHandedOver(f, patience, describe)
	theirs := startOther(f, describe)
	f.Fuzz(func(t *testing.T, sent []byte) {
		if _, err := new(framing).see(sent); err != nil {
			return
		}
		method, _, _ := bytes.Cut(sent, []byte(" "))
		got, want := answers(t, ours, sent, string(method)), answers(t, theirs, sent, string(method))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-net/http, +here):\n%s", sent, diff)
		}
		if diff := cmp.Diff(want, answers(t, left, sent, string(method))); diff != "" {
			t.Errorf("%q (-net/http, +left to it):\n%s", sent, diff)
		}
	})
}

// FuzzHead compares what is taken for a plain head with what http.ReadRequest makes
// of it, which must be the same, and end at the same byte.
func FuzzHead(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h head
		size := h.parse(b)
		if size == 0 {
			return
		}
		br := bufio.NewReaderSize(bytes.NewReader(b), len(b)+16)
		want, err := http.ReadRequest(br)
		if err != nil {
			t.Fatalf("%q is none: %v", b, err)
		}
		if used := len(b) - br.Buffered(); used != size {
			t.Errorf("%q ends at %d, not %d", b, used, size)
		}
		got := h.request(context.Background(), "", nil)
		type view struct {
			Method, URI, URL, Path, RawPath, RawQuery, Host string
			Length                                          int64
			Close                                           bool
			Header                                          http.Header
			Coding                                          []string
		}
		of := func(r *http.Request) view {
			return view{r.Method, r.RequestURI, r.URL.String(), r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.Host, r.ContentLength, r.Close, r.Header, r.TransferEncoding}
		}
		if diff := cmp.Diff(of(want), of(got)); diff != "" {
			t.Errorf("%q (-net/http, +here):\n%s", b, diff)
		}
	})
}
