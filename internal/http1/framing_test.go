package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
)

// TestFraming: what could be read in two ways is refused at the line that it shows in,
// however it comes, and what stands before it is not.
func TestFraming(t *testing.T) {
	const line, host = "POST / HTTP/1.1\r\n", "Host: a\r\n"
	const coded, counted = "Transfer-Encoding: chunked\r\n", "Content-Length: 2\r\n"
	for _, tt := range []struct {
		sure, doubtful string // what comes, up to the LF that shows it and from there on
		want           error
	}{
		{line + host + "X: a\r\n b\r", "\n\r\n", errFold},
		{line + "\tX: a\r", "\n" + host + "\r\n", errFold},
		{line + host + "X: a\r\n \r", "\n\r\n", errFold},
		{"POST / HTTP/1.1", "\n" + host + "\r\n", errBareLF},
		{line + host + "X: a", "\n\r\n", errBareLF},
		{line + host, "\n", errBareLF},
		{"POST / HTTP/1.0\r\n" + coded[:len(coded)-1], "\n\r\n", errOldCoding},
		{"POST / HTTP/1.0\r\n" + counted + "transfer-encoding: x\r", "\n\r\n", errOldCoding},
		{line + host + coded + counted[:len(counted)-1], "\n\r\n", errBoth},
		{line + host + counted + "TRANSFER-encoding:chunked\r", "\n\r\n", errBoth},
		{line + host + coded + "\r\n2;a\x00\r", "\nok\r\n0\r\n\r\n", errChunkLine},
		{line + host + coded + "\r\n2;a\rb\r", "\nok\r\n0\r\n\r\n", errChunkLine},
		{line + host + coded + "\r\n2", "\nok\r\n0\r\n\r\n", errBareLF},
		{line + host + coded + "\r\n2\r\nok", "\n0\r\n\r\n", errBareLF},
		{line + host + coded + "\r\n0\r\nX: a\r\n b\r", "\n\r\n", errFold},
		{line + host + counted + "\r\n\n\n" + line + "X: a", "\n", errBareLF},              // a body is no line
		{line + host + coded + "\r\nA\r\n" + "a\nb\nc\nd\ne\n" + "\r\n0", "\n", errBareLF}, // nor is a chunk
		{line + host + counted + "\r\nok\r\n\n\r\n" + line + "X: a", "\n", errBareLF},      // lines behind a body are nothing

		{sure: line + host + "X: \r\n\r\n"},
		{sure: line + host + coded + "\r\n2 ;a=b\r\nok\r\n0\r\nX: a\r\n\r\n" + line + host + counted + counted + "\r\nok"},
		{sure: "POST / HTTP/1.0\r\n" + counted + "\r\nok" + line},
		{sure: line + host + "Transfer-Encoding: gzip\r\n\r\n\n\n\n"}, // net/http has ended it
		{sure: "GET / HTTP/2.0\r\n\nX\n"},
	} {
		text := []byte(tt.sure + tt.doubtful)
		for _, size := range []int{1, 3, len(text)} {
			var f framing
			sure, err := 0, error(nil)
			for sure < len(text) && err == nil {
				var n int
				n, err = f.see(text[sure:min(sure+size, len(text))])
				sure += n
			}
			if sure != len(tt.sure) || !errors.Is(err, tt.want) {
				t.Errorf("%q by %d: %d bytes are sure, then %v; want %d and %v", text, size, sure, err, len(tt.sure), tt.want)
			}
		}
	}
}

// FuzzFraming: a request that is beyond doubt ends where net/http says.
func FuzzFraming(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r.text))
	}
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\nA \r\n0123456789\r\n0\r\nX: a\r\n\r\n"))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"))
	f.Fuzz(func(t *testing.T, b []byte) {
		br := bufio.NewReaderSize(bytes.NewReader(b), len(b)+16)
		r, err := http.ReadRequest(br)
		if err != nil || r.ProtoMajor != 1 {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil || r.Body.Close() != nil {
			return
		}
		end := len(b) - br.Buffered()
		var s framing
		if sure, err := s.see(b[:end]); err != nil {
			return
		} else if sure != end || s.lost || s.remaining > 0 || s.next != requestLine || len(s.line) > 0 {
			t.Errorf("%q ends at %d to net/http, and here there is %+v", b, end, s)
		}
		if s.coded && s.counted || s.coded && s.old {
			t.Errorf("%q is taken", b)
		}
	})
}
