package hostile_test

import (
	"net/http"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/apptest"
)

const postChat = "POST " + chatPath + " HTTP/1.1"

// whole is a request that must not be found behind another one.
var whole = head(postChat, length(len(chat))) + chat

// TestAmbiguousFraming sends requests whose end two readers can see in
// different places, with a second request behind one of them. Whatever the
// gateway takes the first for, the second does not reach the model server, and
// the connection ends.
func TestAmbiguousFraming(t *testing.T) { withEach(t, ambiguousFraming) }

func ambiguousFraming(t *testing.T, setting string) {
	for name, raw := range map[string]string{
		"both, the chunks first":       head(postChat, "Transfer-Encoding: chunked", length(len(chunked(chat)+whole))) + chunked(chat) + whole,
		"both, the length first":       head(postChat, length(len(chunked(chat)+whole)), "Transfer-Encoding: chunked") + chunked(chat) + whole,
		"both, length of the first":    head(postChat, "Transfer-Encoding: chunked", length(len(chunked(chat)))) + chunked(chat) + whole,
		"both, no chunks":              head(postChat, "Transfer-Encoding: chunked", length(len(chat))) + chat + whole,
		"two lengths":                  head(postChat, length(len(chat)), length(len(chat+whole))) + chat + whole,
		"two lengths in one line":      head(postChat, length(len(chat))+", 9") + chat + whole,
		"a length with a sign":         head(postChat, "Content-Length: +9") + chat + whole,
		"a hexadecimal length":         head(postChat, "Content-Length: 0x9") + chat + whole,
		"a length beyond everything":   head(postChat, "Content-Length: 99999999999999999999") + chat + whole,
		"a negative length":            head(postChat, "Content-Length: -1") + chat + whole,
		"a length with a space":        head(postChat, "Content-Length : 9") + chat + whole,
		"an unknown coding":            head(postChat, "Transfer-Encoding: xchunked", length(len(chat))) + chat + whole,
		"chunked twice":                head(postChat, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + chunked(chat) + whole,
		"chunked and something":        head(postChat, "Transfer-Encoding: chunked, identity") + chunked(chat) + whole,
		"gzip, chunked":                head(postChat, "Transfer-Encoding: gzip, chunked") + chunked(chat) + whole,
		"identity and a length":        head(postChat, "Transfer-Encoding: identity", length(len(chat))) + chat + whole,
		"a coding with a space":        head(postChat, "Transfer-Encoding : chunked", length(len(chat))) + chat + whole,
		"a coding on the next line":    head(postChat, "Transfer-Encoding:\r\n chunked", length(len(chat))) + chat + whole,
		"a coding behind a tab":        head(postChat, "Transfer-Encoding:\tchunked", length(len(chat))) + chunked(chat) + whole,
		"a coding behind a form feed":  head(postChat, "Transfer-Encoding: \x0cchunked", length(len(chat))) + chat + whole,
		"a coding in quotes":           head(postChat, `Transfer-Encoding: "chunked"`, length(len(chat))) + chat + whole,
		"a bare line feed":             head(postChat, "X: y\nTransfer-Encoding: chunked", length(len(chunked(chat)+whole))) + chunked(chat) + whole,
		"a bare carriage return":       head(postChat, "X: y\rTransfer-Encoding: chunked", length(len(chat))) + chat + whole,
		"HTTP/1.0 and chunked":         head("POST "+chatPath+" HTTP/1.0", "Connection: keep-alive", "Transfer-Encoding: chunked", length(len(chat))) + chat + whole,
		"HTTP/1.0, no length, chunked": head("POST "+chatPath+" HTTP/1.0", "Connection: keep-alive", "Transfer-Encoding: chunked") + chunked(chat) + whole,
		"a chunk size that overflows":  head(postChat, "Transfer-Encoding: chunked") + "10000000000000000\r\n" + chat + "\r\n0\r\n\r\n" + whole,
		"a chunk size with a sign":     head(postChat, "Transfer-Encoding: chunked") + "-1\r\n" + chat + "\r\n0\r\n\r\n" + whole,
		"a chunk that is too long":     head(postChat, "Transfer-Encoding: chunked") + "5\r\n" + chat + "\r\n0\r\n\r\n" + whole,
		"a chunk without its end":      head(postChat, "Transfer-Encoding: chunked") + "5\r\n{    0\r\n\r\n" + whole,
		"GET with a body":              head("GET "+chatPath+" HTTP/1.1", "Transfer-Encoding: chunked", length(3)) + chunked(chat) + whole,
		"no endpoint, both":            head("POST /nowhere HTTP/1.1", "Transfer-Encoding: chunked", length(len(chunked(chat)+whole))) + chunked(chat) + whole,
		"two hosts":                    "POST " + chatPath + " HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + length(len(chat)) + "\r\n\r\n" + chat + whole,
		"no host":                      "POST " + chatPath + " HTTP/1.1\r\n" + length(len(chat)) + "\r\n\r\n" + chat + whole,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, r := start(t, apptest.Options{Server: setting})
			list := exchange(t, g, name, raw)
			if n := len(r.all()); n > 1 {
				t.Errorf("%d requests have reached the model server", n)
			}
			if len(list) > 1 {
				t.Errorf("there are %d answers, the second with %d", len(list), list[1].status)
			}
			for _, seen := range r.all() {
				if len(seen.Header["Transfer-Encoding"]) > 0 || len(seen.Header["Content-Length"]) != 1 {
					t.Errorf("the model server got a request with the header %v", seen.Header)
				}
			}
		})
	}
}

// TestPipelined guards the test above: two requests whose framing is plain,
// sent at once, are two.
func TestPipelined(t *testing.T) { withEach(t, pipelined) }

func pipelined(t *testing.T, setting string) {
	g, r := start(t, apptest.Options{Server: setting})
	last := head("GET /v1/models HTTP/1.1", "Connection: close")
	list := exchange(t, g, "two requests", whole+whole+last)
	if len(list) != 3 || list[0].status != http.StatusOK || list[1].status != http.StatusOK {
		t.Errorf("the answers are %v", list)
	}
	wantSent(t, r, 2)
}

// TestChunkedBody sends a body without a length, as some clients do.
func TestChunkedBody(t *testing.T) { withEach(t, chunkedBody) }

func chunkedBody(t *testing.T, setting string) {
	g, r := start(t, apptest.Options{Server: setting})
	list := exchange(t, g, "a chunked body", head(postChat, "Transfer-Encoding: chunked", "Connection: close")+chunked(chat))
	if len(list) != 1 || list[0].status != http.StatusOK {
		t.Errorf("the answers are %v", list)
	}
	wantSent(t, r, 1)
}
