package httpclient

import (
	"bufio"
	"bytes"
	"strconv"

	"github.com/token-rate-limiter/token-rate-limiter/internal/httpsyntax"
)

// trailerBytesMax bounds the fields after the last chunk, which are read and forgotten.
const trailerBytesMax = 8 << 10

// nextChunk reads the line that begins a chunk and returns the chunk's size;
// 0 is the end of the body, trailer included. After tells that the data of
// another chunk comes before it, whose line end is then still to be read.
func nextChunk(br *bufio.Reader, after bool) (int64, error) {
	if after {
		if line, err := readLine(br); err != nil {
			return 0, err
		} else if len(line) > 0 {
			return 0, malformed("a chunk is longer than its size")
		}
	}
	line, err := readLine(br)
	if err != nil {
		return 0, err
	}
	size, ok := parseChunkSize(line)
	if !ok {
		return 0, malformed("a chunk's size is malformed")
	}
	if size == 0 {
		return 0, skipTrailer(br)
	}
	return size, nil
}

// anotherChunk reports whether the next chunk has begun to come in: after the
// line end of the one before it, its whole size and data. It does not wait.
func anotherChunk(br *bufio.Reader) bool {
	in, _ := br.Peek(br.Buffered())
	in, ok := bytes.CutPrefix(in, []byte("\r\n"))
	line, data, whole := bytes.Cut(in, []byte("\r\n"))
	if !ok || !whole || len(data) == 0 {
		return false
	}
	size, ok := parseChunkSize(line) // which may begin with zeros
	return ok && size > 0
}

// skipTrailer reads up to and including an empty line.
func skipTrailer(br *bufio.Reader) error {
	for remaining := trailerBytesMax; remaining > 0; {
		line, err := readLine(br)
		if err != nil || len(line) == 0 {
			return err
		}
		if _, _, after, ok := httpsyntax.CutField(string(line)); !ok || after != "" {
			return malformed("a trailer field is malformed")
		}
		remaining -= len(line) + len("\r\n")
	}
	return malformed("the trailer is too large")
}

// readLine reads a line that must end with CR LF and fit into the buffer, of
// which it returns a view.
func readLine(br *bufio.Reader) ([]byte, error) {
	b, err := br.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return nil, malformed("a line within the body is too long")
	}
	if err != nil {
		return nil, err
	}
	if len(b) < 2 || b[len(b)-2] != '\r' {
		return nil, malformed("a line does not end with CR LF")
	}
	return b[:len(b)-2], nil
}

// parseChunkSize reads a chunk's size, in hexadecimal; extensions behind a
// semicolon mean nothing here.
func parseChunkSize(line []byte) (size int64, ok bool) {
	digits, extension, _ := bytes.Cut(line, []byte{';'})
	digits = bytes.TrimRight(digits, " \t")
	n, err := strconv.ParseUint(string(digits), 16, 63)
	if err != nil || len(digits) > 15 || !httpsyntax.ValidValue(extension) {
		return 0, false
	}
	return int64(n), true
}
