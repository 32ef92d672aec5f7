package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

// startMock runs a stand-in that keeps its books in a file, and returns its
// process and its address.
func startMock(t *testing.T, ledger string) (*exec.Cmd, string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, "mock-vllm", "--address", "127.0.0.1:0", "--model", "m", "--ledger", ledger)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "mock-vllm listens on ")
	if !ok {
		t.Fatalf("it said %q (%v)", line, err)
	}
	return c, address
}

// TestLedgerOfKilledMock kills two stand-ins, one after the other, which keep
// their books in one file: it has what each of them answered.
func TestLedgerOfKilledMock(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "ledger.jsonl")
	const runs, requests = 2, 3
	for range runs {
		c, address := startMock(t, ledger)
		for range requests {
			r, err := http.Post(address+"/v1/completions", "application/json", strings.NewReader(`{"model":"m","prompt":"a","mock":{"output_tokens":7}}`))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil || r.StatusCode != http.StatusOK {
				t.Fatalf("%d %v %s", r.StatusCode, err, body)
			}
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // tells that it was killed
	}
	books, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(books, []byte("\n")), []byte("\n"))
	if len(lines) != runs*requests {
		t.Errorf("the books have %d lines, want %d:\n%s", len(lines), runs*requests, books)
	}
	for _, line := range lines {
		var e mockvllm.Entry
		if err := json.Unmarshal(line, &e); err != nil || e.Output != 7 {
			t.Errorf("%v: %s", err, line)
		}
	}
}
