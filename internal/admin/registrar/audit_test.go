package registrar

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/internal/gate"
	"github.com/token-rate-limiter/token-rate-limiter/internal/identity"
	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// endless is a Store whose audit has so many records. It fails at one page, and tells how many
// pages were read.
type endless struct {
	Store
	records int64
	fails   int64 // the page; 0: none does
	pages   atomic.Int64
}

func (e *endless) Audit(_ context.Context, q registry.AuditQuery) (list []registry.Record, _ error) {
	if e.pages.Add(1) == e.fails {
		return nil, fmt.Errorf("%w: it has gone", registry.ErrUnavailable)
	}
	for r := q.After + 1; r <= e.records && len(list) < q.Limit; r++ {
		list = append(list, registry.Record{Revision: r, At: time.Unix(r, 0), Action: "key.update", Object: strings.Repeat("x", 500)})
	}
	return list, nil
}

// serve serves a registrar over s, to everybody.
func serve(t *testing.T, s Store, log io.Writer) *httptest.Server {
	t.Helper()
	mux := &gate.Mux{}
	New(Options{
		Gate: &gate.Gate{Authenticator: func() identity.Authenticator { return identity.Anyone{} }},
		Log:  slog.New(slog.NewTextHandler(log, nil)), Store: s, FileKeys: func() []registry.Key { return nil },
	}).Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// TestExport: it has every record once, page after page, and reads no page that its client does
// not take.
func TestExport(t *testing.T) {
	s := &endless{records: 2*exportPage + 7}
	server := serve(t, s, io.Discard)
	for after, want := range map[int64]int64{0: s.records, 3: s.records - 3, s.records: 0} {
		a, err := server.Client().Get(fmt.Sprintf("%s%s/audit/export?after=%d", server.URL, Base, after))
		if err != nil {
			t.Fatal(err)
		}
		lines, next := bufio.NewScanner(a.Body), after
		for lines.Scan() {
			if next++; !strings.HasPrefix(lines.Text(), fmt.Sprintf(`{"revision":%d,`, next)) {
				t.Fatalf("the line %d is %s", next, lines.Text())
			}
		}
		a.Body.Close()
		if err := lines.Err(); err != nil || next-after != want {
			t.Errorf("after %d come %d records, %v; want %d", after, next-after, err, want)
		}
	}
	s = &endless{records: 1 << 30}
	server = serve(t, s, io.Discard)
	a, err := server.Client().Get(server.URL + Base + "/audit/export")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // for what would be read ahead
	read := s.pages.Load()
	a.Body.Close()
	if megabytes := read * exportPage * 600 >> 20; megabytes > 20 {
		t.Errorf("for a client that takes nothing %d pages were read, %d MB", read, megabytes)
	}
}

// TestExportBreaksOff: where a page cannot be read, the client sees that it has not got all, and the
// log says why; where not even the first can be, it is told so.
func TestExportBreaksOff(t *testing.T) {
	var log strings.Builder
	server := serve(t, &endless{records: 3 * exportPage, fails: 2}, &log)
	a, err := server.Client().Get(server.URL + Base + "/audit/export")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if _, err = io.Copy(io.Discard, a.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the export ends with %v", err)
	}
	server.Close()
	if !strings.Contains(log.String(), "an export is broken off") {
		t.Errorf("the log is %q", log.String())
	}
	server = serve(t, &endless{records: 3, fails: 1}, io.Discard)
	first, err := server.Client().Get(server.URL + Base + "/audit/export")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	if first.StatusCode != http.StatusServiceUnavailable || first.Header.Get("Retry-After") == "" {
		t.Errorf("an export of nothing is answered with %d", first.StatusCode)
	}
}
