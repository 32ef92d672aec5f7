package redistest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// doTimeout is how long one command may take.
const doTimeout = 5 * time.Second

// serverError is an error that the server answered.
type serverError string

func (e serverError) Error() string { return string(e) }

// Do sends one command over a connection of its own and returns the reply: a
// string, an int64, nil or a []any of these. It depends on no client library,
// so that it can look at what a client left behind.
func (s *Server) Do(args ...string) (any, error) {
	conn, err := net.DialTimeout("tcp", s.Addr, doTimeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(doTimeout)); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return nil, err
	}
	return readReply(bufio.NewReader(conn))
}

// Hash returns the fields and values of the hash at key; empty where there is
// none.
func (s *Server) Hash(key string) (map[string]string, error) {
	reply, err := s.Do("HGETALL", key)
	if err != nil {
		return nil, err
	}
	items := reply.([]any)
	hash := make(map[string]string, len(items)/2)
	for i := 0; i+1 < len(items); i += 2 {
		hash[items[i].(string)] = items[i+1].(string)
	}
	return hash, nil
}

// readReply reads one reply of the protocol's version 2.
func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, text := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch kind {
	case '+':
		return text, nil
	case '-':
		return nil, serverError(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("unexpected reply %q", line)
	}
	switch {
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		return readString(r, n)
	}
	return readArray(r, n)
}

func readString(r *bufio.Reader, n int64) (any, error) {
	b := make([]byte, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return string(b[:n]), nil
}

func readArray(r *bufio.Reader, n int64) (any, error) {
	items := make([]any, n)
	for i := range items {
		var err error
		if items[i], err = readReply(r); err != nil {
			return nil, err
		}
	}
	return items, nil
}
