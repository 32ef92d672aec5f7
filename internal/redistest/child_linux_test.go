package redistest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asParent names the folder of the server where this test's program is to start one and wait.
const asParent = "TEST_PARENT_OF_REDIS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asParent); dir != "" {
		s, err := Open(dir)
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(s.Addr + "\n")
		_, _ = s.Do("EVAL", "while true do end", "0")
		select {}
	}
	os.Exit(m.Run())
}

// A server does not outlive the process that has started it, whatever that dies of and
// whatever the server is doing.
func TestServersDieWithTheTest(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), asParent+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if killed := parent.Process.Kill(); err != nil || killed != nil {
		t.Fatal(err, killed)
	}
	_ = parent.Wait()
	address = strings.TrimSpace(address)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		_ = c.Close()
		if time.Now().After(end) {
			t.Fatalf("%s still listens", address)
		}
	}
}
