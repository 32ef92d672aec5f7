package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// limitDescriptors lets a running process have so many file descriptors; 0: as many as at
// its start.
func (p *process) limitDescriptors(t *testing.T, n uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: n, Max: 256}
	if n == 0 {
		limit.Cur = 256
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), syscall.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
}

// nextDescriptor returns the number that the next file of the process will have.
func (p *process) nextDescriptor(t *testing.T) (n uint64) {
	t.Helper()
	for ; ; n++ {
		if _, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", p.cmd.Process.Pid, n)); os.IsNotExist(err) {
			return n
		}
	}
}

// serveWith runs a gateway that may have n file descriptors; soft is the limit that it
// starts with, and may raise.
func (s site) serveWith(t *testing.T, soft, n int) (g *gateway, folder string) {
	t.Helper()
	folder = s.folder(t)
	p := &process{cmd: command("serve", "--config", folder)}
	p.cmd.Path, p.cmd.Args = "/bin/sh", append([]string{"sh", "-c", fmt.Sprintf(`ulimit -Sn %d; ulimit -Hn %d; exec "$0" "$@"`, soft, n)}, p.cmd.Args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.begin(t)
	return &gateway{p, newClient(t, "http://"+p.address(t))}, folder
}

// TestConnectionsAreBounded: clients cannot take the file descriptors that model servers
// and the configuration need; those that have a connection get their answers, new ones
// come in the place of those that are not used, and the log says what is scarce.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	g, folder := site{server: server, models: map[string]string{model: "{}"}}.serveWith(t, 40, 96)
	if line := g.stderr.lines(`"msg":"resources"`)[0]; !strings.Contains(line, `"file_descriptors":96,"connections":32`) {
		t.Errorf("the resources are %s", line)
	}
	var streams []*stream
	for range 31 {
		streams = append(streams, g.listen(t, chat{user: "alice", tokens: 200, pace: 10, stream: true}))
	}
	for range 5 { // one after the other in the last place
		c, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 15)); err != nil {
			t.Fatalf("who comes for the place of an unused connection gets %v", err)
		}
	}
	g.stderr.await(t, `as many connections of clients are open as file descriptors allow`)
	rewrite(t, folder, "\n# changed\n")
	g.signal(syscall.SIGHUP)
	g.stderr.await(t, `"msg":"the configuration is`)
	for _, s := range streams {
		s.finish(t, 200)
	}
	if lines := g.stderr.lines(`"level":"ERROR"`); len(lines) > 0 {
		t.Errorf("there are errors: %s", lines)
	}
}

// rewrite adds to the configuration.
func rewrite(t *testing.T, folder, more string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(folder, "application.yml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(more); err != nil {
		t.Fatal(err)
	}
}

// TestNoDescriptorIsSaidAsThat: where there is none left all the same, neither the
// configuration nor the model server is blamed, and all goes on once there are.
func TestNoDescriptorIsSaidAsThat(t *testing.T) {
	t.Parallel()
	_, server := newModelServer(t)
	g, folder := site{server: server, models: map[string]string{model: "{}"}, service: "health-interval: 1h, allow-fields: [mock]"}.serveWith(t, 256, 256)
	var streams []*stream
	for range 4 { // they have all connections to the model server that there were
		streams = append(streams, g.listen(t, chat{user: "alice", tokens: 100, pace: 20, stream: true}))
	}
	other := &http.Client{Transport: &http.Transport{}}
	defer other.CloseIdleConnections()
	second := client{g.base, other}
	if status, _ := second.get("/v1/models"); status != http.StatusOK { // it has its connection
		t.Fatal(status)
	}
	time.Sleep(100 * time.Millisecond)
	g.limitDescriptors(t, g.nextDescriptor(t))
	a := second.send(t.Context(), chat{user: "bob", tokens: 3})
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "no file descriptor left for a connection to a model server") || a.failure().Error.Code != "over_capacity" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	rewrite(t, folder, "logging: {level: debug}\n")
	g.signal(syscall.SIGHUP)
	g.stderr.await(t, "there is no file descriptor left to read the configuration")
	if status, body := second.get("/actuator/prometheus"); status != http.StatusOK || !strings.Contains(body, "config_last_reload_successful 1") {
		t.Errorf("%d, and the configuration is said to be wrong", status)
	}
	late, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	g.stderr.await(t, "there is no file descriptor left for connections of clients")
	g.limitDescriptors(t, 0)
	g.stderr.await(t, `"msg":"the configuration is applied"`)
	if a := second.send(t.Context(), chat{user: "bob", tokens: 3}); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, s := range streams {
		s.finish(t, 100)
	}
	for _, wrong := range []string{"the configuration is wrong", "a model server is away", "a model server fails"} {
		if lines := g.stderr.lines(wrong); len(lines) > 0 {
			t.Errorf("somebody is blamed: %s", lines)
		}
	}
}
