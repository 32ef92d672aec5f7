package upstream

import (
	"bufio"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
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

// head is the status line and header of a response.
type head struct {
	status  int
	header  http.Header
	framing framing
	length  int64 // by length; else -1
	keep    bool  // the connection can be used again after the body
}

// receiveHead reads the head of the final response to a request of the given
// method.
func receiveHead(br *bufio.Reader, method string) (head, error) {
	left := headBytesMax
	for range interimMax + 1 {
		block, err := readBlock(br, left)
		if err != nil {
			return head{}, err
		}
		left -= len(block)
		h, err := parseHead(block, method)
		if err != nil || h.status >= 200 {
			return h, err
		}
	}
	return head{}, malformed("too many interim responses")
}

// readBlock reads up to and including the first empty line.
func readBlock(br *bufio.Reader, limit int) (string, error) {
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
		return h, false, malformed("the status is not one that a model server can send")
	}
	if reason := line[12:]; reason != "" && reason[0] != ' ' || !validValue(reason) {
		return h, false, malformed("the reason of the status line is malformed")
	}
	return h, line[7] == '0', nil
}

// parseFields reads the lines up to an empty one.
func parseFields(block string) (http.Header, error) {
	n := strings.Count(block, "\n") - 1
	if n > fieldsMax {
		return nil, malformed("there are too many header fields")
	}
	header := make(http.Header, n)
	values := make([]string, 0, n) // the values of all fields, to allocate once
	for block != "\r\n" {
		line, rest, ok := cutLine(block)
		if !ok {
			return nil, malformed("a line does not end with CR LF")
		}
		name, value, ok := parseField(line)
		if !ok {
			return nil, malformed("a header field is malformed")
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if seen, ok := header[name]; ok {
			header[name] = append(seen, value)
		} else {
			values = append(values, value)
			header[name] = values[len(values)-1 : len(values) : len(values)]
		}
		block = rest
	}
	return header, nil
}

func parseField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	value = trim(value)
	return name, value, ok && validName(name) && validValue(value)
}

// cutLine returns the first line without its CR LF, and what follows.
func cutLine(s string) (line, rest string, ok bool) {
	line, rest, ok = strings.Cut(s, "\n")
	if !ok || line == "" || line[len(line)-1] != '\r' {
		return "", "", false
	}
	return line[:len(line)-1], rest, true
}

// frame finds where the body ends, and whether the connection can be used
// again after it.
func (h *head) frame(method string, old bool) error {
	codings, lengths := h.header["Transfer-Encoding"], h.header["Content-Length"]
	if len(codings) > 0 && (old || len(codings) > 1 || !equalFold(codings[0], "chunked")) {
		return malformed("the transfer coding is not exactly chunked")
	}
	length, err := parseLengths(lengths)
	if err != nil {
		return err
	}
	h.keep = !old && !closes(h.header["Connection"])
	switch {
	case bodiless(method, h.status):
		h.keep = h.keep && len(codings) == 0
	case len(codings) > 0:
		// The coding wins over a length, but a server, or something before it,
		// that sends both is not to be trusted with another request.
		h.framing, h.length = byChunks, -1
		h.keep = h.keep && len(lengths) == 0
	case len(lengths) > 0:
		h.length = length
	default:
		h.framing, h.length, h.keep = byClose, -1, false
	}
	return nil
}

// parseLengths returns -1 without a Content-Length. Several must agree to the
// letter.
func parseLengths(values []string) (int64, error) {
	if len(values) == 0 {
		return -1, nil
	}
	for _, v := range values[1:] {
		if v != values[0] {
			return 0, malformed("there are different content lengths")
		}
	}
	length, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil {
		return 0, malformed("the content length is not a number")
	}
	return int64(length), nil
}

func bodiless(method string, status int) bool {
	return method == http.MethodHead || status < 200 ||
		status == http.StatusNoContent || status == http.StatusNotModified
}

// closes reports whether a Connection header has the option close.
func closes(values []string) bool {
	for _, v := range values {
		for option := range strings.SplitSeq(v, ",") {
			if equalFold(trim(option), "close") {
				return true
			}
		}
	}
	return false
}
