package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"slices"
	"strconv"
)

// head is what the harness needs of the head of an HTTP/1.1 message. The
// harness reads messages itself because it shares the machine with what it
// measures: net/http would take most of it.
type head struct {
	status  int  // of a response; 0 for a request
	get     bool // a request that has no body
	length  int  // Content-Length; 0 when absent
	chunked bool
}

// bodyBytesMax bounds a body: nothing in a benchmark is nearly as large.
const bodyBytesMax = 1 << 20

var errMalformed = errors.New("malformed HTTP message")

// readHead reads a request's or a response's head. It returns io.EOF if the
// connection ended before the first byte. It allocates nothing.
func readHead(r *bufio.Reader) (head, error) {
	var h head
	line, err := r.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	if err := h.readFirst(line); err != nil {
		return h, err
	}
	for {
		line, err = r.ReadSlice('\n')
		if err != nil {
			return h, unexpected(err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, nil
		}
		if err := h.readField(line); err != nil {
			return h, err
		}
	}
}

// readFirst reads the status line of a response or the request line.
func (h *head) readFirst(line []byte) error {
	version := []byte("HTTP/1.1 ")
	if !bytes.HasPrefix(line, version) {
		h.get = bytes.HasPrefix(line, []byte("GET "))
		return nil
	}
	rest := line[len(version):]
	if len(rest) < 3 {
		return fmt.Errorf("%w: status line %q", errMalformed, line)
	}
	status, err := strconv.Atoi(string(rest[:3]))
	if err != nil || status < 100 {
		return fmt.Errorf("%w: status %q", errMalformed, rest[:3])
	}
	h.status = status
	return nil
}

// readField reads one header field; only those that frame the body matter.
func (h *head) readField(line []byte) error {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found {
		return fmt.Errorf("%w: header line %q", errMalformed, line)
	}
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("content-length")):
		length, err := strconv.Atoi(string(value))
		if err != nil || length < 0 || length > bodyBytesMax {
			return fmt.Errorf("%w: Content-Length %q", errMalformed, value)
		}
		h.length = length
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		h.chunked = bytes.EqualFold(value, []byte("chunked"))
	}
	return nil
}

// readBody appends the body that follows h to dst and leaves r at the next
// message.
func (h head) readBody(r *bufio.Reader, dst []byte) ([]byte, error) {
	if h.chunked {
		return readChunked(r, dst)
	}
	start := len(dst)
	dst = slices.Grow(dst, h.length)[:start+h.length]
	_, err := io.ReadFull(r, dst[start:])
	return dst, unexpected(err)
}

// readChunked appends a chunked body, decoded, to dst.
func readChunked(r *bufio.Reader, dst []byte) ([]byte, error) {
	chunks := httputil.NewChunkedReader(r)
	for {
		dst = slices.Grow(dst, 512)
		n, err := chunks.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, skipTrailer(r)
		}
		if err != nil {
			return dst, err
		}
		if len(dst) > bodyBytesMax {
			return dst, fmt.Errorf("%w: a body above %d bytes", errMalformed, bodyBytesMax)
		}
	}
}

// skipTrailer reads up to the empty line that ends a chunked body; the
// ChunkedReader leaves it unread.
func skipTrailer(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return unexpected(err)
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return nil
		}
	}
}

// unexpected makes the end of the connection inside a message an error of its
// own.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
