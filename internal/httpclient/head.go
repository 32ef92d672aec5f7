package httpclient

import (
	"bufio"
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

const (
	headBytesMax = 64 << 10 // of all heads of one exchange, interim ones included
	fieldsMax    = 256
	interimMax   = 5 // 1xx responses before the final one
)

// framing says where a response's body ends, RFC 9112 section 6.3.
type framing uint8

const (
	byLength framing = iota
	byChunks
	byClose
)

// Header is the header of a response as the server sent it, hop-by-hop fields included, so take
// from it by an allow-list. It has few fields, of which few are asked for, so it is searched where
// a map would have to be made. The zero value has no field.
type Header struct {
	names, values []string // in the order in which they were sent; not to be changed
}

// Values returns the values of a field, in the order in which they were sent; nil where there is
// none. The name is compared without regard to case. They must not be changed.
func (h Header) Values(name string) (values []string) {
	for i, n := range h.names {
		switch {
		case len(n) != len(name) || !strings.EqualFold(n, name):
		case values == nil:
			values = h.values[i : i+1 : i+1]
		default:
			values = append(values, h.values[i])
		}
	}
	return values
}

// Get returns the first value of a field; "" where there is none.
func (h Header) Get(name string) string {
	if values := h.Values(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// head is the status line and header of a response.
type head struct {
	status  int
	header  Header
	framing framing
	length  int64 // by length; else -1
	keep    bool  // the connection can be used again after the body
}

// receiveHead reads the head of the final response to a request of the given method.
func receiveHead(br *bufio.Reader, method string) (head, error) {
	remaining := headBytesMax
	for range interimMax + 1 {
		block, err := readBlock(br, remaining)
		if err != nil {
			return head{}, err
		}
		remaining -= len(block)
		h, err := parseHead(block, method)
		if err != nil || h.status >= 200 {
			return h, err
		}
	}
	return head{}, malformed("too many interim responses")
}

// readBlock reads up to and including the first empty line.
func readBlock(br *bufio.Reader, limit int) (string, error) {
	if _, err := br.Peek(1); err != nil {
		return "", err
	}
	// Nearly always it has come whole.
	come, _ := br.Peek(br.Buffered())
	if n := blockLen(come); n > 0 && n <= limit {
		block := string(come[:n])
		_, err := br.Discard(n)
		return block, err
	}
	return readLines(br, limit)
}

// blockLen returns the length of what ends with the first empty line; 0 where there is none.
func blockLen(b []byte) int {
	for line := 0; ; {
		n := bytes.IndexByte(b[line:], '\n')
		if n < 0 {
			return 0
		}
		if n == 1 && b[line] == '\r' {
			return line + 2
		}
		line += n + 1
	}
}

// readLines is readBlock, line by line.
func readLines(br *bufio.Reader, limit int) (string, error) {
	var space [1 << 10]byte
	block, line := space[:0], 0
	for {
		piece, err := br.ReadSlice('\n')
		if len(block)+len(piece) > limit {
			return "", malformed("the head is too large")
		}
		block = append(block, piece...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return "", err
		}
		if string(block[line:]) == "\r\n" {
			return string(block), nil
		}
		line = len(block)
	}
}

// parseHead reads a block that ends with an empty line. It is strict: what two
// readers could understand differently is an error.
func parseHead(block, method string) (head, error) {
	line, rest, ok := cutLine(block)
	if !ok {
		return head{}, malformed("a line does not end with CR LF")
	}
	h, old, err := parseStatusLine(line)
	if err != nil {
		return head{}, err
	}
	if h.header, err = parseFields(rest); err != nil {
		return head{}, err
	}
	return h, h.frame(method, old)
}

// parseStatusLine also reports whether the server speaks HTTP/1.0.
func parseStatusLine(line string) (h head, old bool, err error) {
	const version = "HTTP/1.x "
	if len(line) < len(version)+3 || line[:7] != version[:7] || line[8] != ' ' {
		return h, false, malformed("the status line is not HTTP/1")
	}
	if line[7] != '0' && line[7] != '1' {
		return h, false, malformed("the version is neither HTTP/1.0 nor HTTP/1.1")
	}
	h.status, err = strconv.Atoi(line[9:12])
	if err != nil || h.status < 100 || h.status > 599 || h.status == http.StatusSwitchingProtocols {
		return h, false, malformed("the status is not one that a server can send")
	}
	if reason := line[12:]; reason != "" && reason[0] != ' ' || !httpsyntax.ValidValue(reason) {
		return h, false, malformed("the reason of the status line is malformed")
	}
	return h, line[7] == '0', nil
}

// parseFields reads the lines up to an empty one.
func parseFields(block string) (Header, error) {
	n := max(strings.Count(block, "\n")-1, 0)
	if n > fieldsMax {
		return Header{}, malformed("there are too many header fields")
	}
	both := make([]string, 2*n)
	h := Header{names: both[:0:n], values: both[n:n]}
	for rest := block; rest != "\r\n"; {
		name, value, after, ok := httpsyntax.CutField(rest)
		if !ok || !strings.HasPrefix(after, "\r\n") {
			return Header{}, faulty(rest)
		}
		h.names, h.values = append(h.names, name), append(h.values, value)
		rest = after[2:]
	}
	return h, nil
}

// faulty says what is wrong with the line that rest begins with.
func faulty(rest string) error {
	if _, _, ok := cutLine(rest); !ok {
		return malformed("a line does not end with CR LF")
	}
	return malformed("a header field is malformed")
}

// cutLine returns the first line without its CR LF, and what follows.
func cutLine(s string) (line, rest string, ok bool) {
	line, rest, ok = strings.Cut(s, "\n")
	if !ok || line == "" || line[len(line)-1] != '\r' {
		return "", "", false
	}
	return line[:len(line)-1], rest, true
}

// frame finds where the body ends, and whether the connection can be used again after it.
func (h *head) frame(method string, old bool) error {
	chunked, err := h.chunked()
	if err != nil || chunked && old {
		return malformed("the transfer coding is not exactly chunked")
	}
	length, err := h.contentLength()
	if err != nil {
		return err
	}
	h.keep = !old && !h.closes()
	switch {
	case bodiless(method, h.status):
		h.keep = h.keep && !chunked
	case chunked:
		// The coding wins over a length, but a server, or something before it,
		// that sends both is not to be trusted with another request.
		h.framing, h.length = byChunks, -1
		h.keep = h.keep && length < 0
	case length >= 0:
		h.length = length
	default:
		h.framing, h.length, h.keep = byClose, -1, false
	}
	return nil
}

// chunked reports whether the body is in chunks. Any other transfer coding is an error.
func (h *head) chunked() (yes bool, err error) {
	for _, coding := range h.header.Values("Transfer-Encoding") {
		if yes || !httpsyntax.EqualFold(coding, "chunked") {
			return false, malformed("the transfer coding is not exactly chunked")
		}
		yes = true
	}
	return yes, nil
}

// contentLength returns -1 without a Content-Length. Several must agree to the letter.
func (h *head) contentLength() (int64, error) {
	first, length := "", int64(-1)
	for _, v := range h.header.Values("Content-Length") {
		if length >= 0 {
			if v != first {
				return 0, malformed("there are different content lengths")
			}
			continue
		}
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil {
			return 0, malformed("the content length is not a number")
		}
		first, length = v, int64(n)
	}
	return length, nil
}

func bodiless(method string, status int) bool {
	return method == http.MethodHead || status < 200 ||
		status == http.StatusNoContent || status == http.StatusNotModified
}

// closes reports whether the server says that it closes the connection.
func (h *head) closes() bool {
	for _, v := range h.header.Values("Connection") {
		for option := range strings.SplitSeq(v, ",") {
			if httpsyntax.EqualFold(httpsyntax.Trim(option), "close") {
				return true
			}
		}
	}
	return false
}
