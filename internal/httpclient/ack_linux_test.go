package httpclient

import (
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// An event of a stream that has been read is not acknowledged at once each time.
// Which one is not depends on the machine: one that pauses for 40 ms acknowledges.
func TestStreamSparesAcknowledgements(t *testing.T) {
	const event = "5\r\nevent\r\n"
	read := make(chan struct{})
	var unacknowledged int
	l := listen(t, func(_ int, p *peer) {
		p.request()
		// On a connection that is used again the system may do so by itself.
		p.say("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 50 {
			p.say(event)
			<-read
			unacknowledged += inFlight(t, p.Conn)
		}
		p.say("0\r\n\r\n")
	})
	request := post("{}")
	request.IdleTimeout = patience
	s := connect(t, l.url())
	for range 20 {
		response, err := s.Do(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(event))
		for n := 0; ; {
			got, err := response.Body.Read(b)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n += got; n%len("event") == 0 {
				read <- struct{}{}
			}
		}
		response.Body.Close()
		if unacknowledged > 0 {
			return
		}
	}
	t.Error("each of 20 streams' events was acknowledged as soon as it was read")
}

// inFlight returns how many packets that were written to the connection have not
// been acknowledged.
func inFlight(t *testing.T, c net.Conn) int {
	sys, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Error(err)
		return 0
	}
	var info *unix.TCPInfo
	failed := sys.Control(func(fd uintptr) {
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if failed != nil || err != nil {
		t.Error(failed, err)
		return 0
	}
	return int(info.Unacked)
}
