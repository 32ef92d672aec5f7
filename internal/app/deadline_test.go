package app

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// deadlines keeps the read deadlines that a connection is given.
type deadlines struct {
	net.Conn
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

func (d *deadlines) SetWriteDeadline(time.Time) error { return nil }

func (d *deadlines) Read([]byte) (int, error) { return 0, io.EOF }

func TestReadDeadlinesAreSetWhenTheyMatter(t *testing.T) {
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	inner := &deadlines{}
	c := &lazyConn{Conn: inner}
	read := func() { _, _ = c.Read(nil) }
	read()
	c.SetReadDeadline(at)
	c.SetReadDeadline(time.Time{})
	read()
	c.SetReadDeadline(at)
	read()
	read()
	c.SetDeadline(at.Add(1))
	c.SetReadDeadline(at.Add(2))
	read()
	c.SetReadDeadline(time.Time{})
	c.SetReadDeadline(at.Add(2))
	read()
	if diff := cmp.Diff([]time.Time{at, at.Add(2)}, inner.set); diff != "" {
		t.Errorf("deadlines that were set (-want +got):\n%s", diff)
	}
}

// net/http ends the read that waits for the client's end of the connection by a
// deadline in the past.
func TestReadDeadlineEndsTheReadThatWaits(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	client, err := net.Dial("tcp", raw.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := lazyListener{raw}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 100 {
		ended := make(chan error)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		c.SetReadDeadline(time.Unix(1, 0))
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Read: %v", err)
		}
		c.SetReadDeadline(time.Time{})
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 2)); n != 1 || err != nil {
			t.Fatalf("Read: %d, %v", n, err)
		}
	}
	if err := c.(*lazyConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the client reads %v", err)
	}
}
