package sse

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// newScanner returns a scanner of r. An event may have at most bytesMax bytes; 0 stands for
// EventBytesMax.
func newScanner(r io.Reader, bytesMax int) *Scanner {
	s := &Scanner{max: bytesMax}
	s.Reset(r)
	return s
}

// pieces is a reader that returns one piece a call and then err.
type pieces struct {
	list  [][]byte
	err   error
	reads int
}

func (p *pieces) Read(b []byte) (int, error) {
	p.reads++
	if len(p.list) == 0 {
		return 0, p.err
	}
	n := copy(b, p.list[0])
	if p.list[0] = p.list[0][n:]; len(p.list[0]) == 0 {
		p.list = p.list[1:]
	}
	return n, nil
}

// inView is pieces that a scanner may look at before they are copied, and that are
// gone with the next call.
type inView struct {
	pieces
	last []byte
}

func (p *inView) Read(b []byte) (int, error) {
	clear(p.last)
	return p.pieces.Read(b)
}

func (p *inView) Next() ([]byte, error) {
	clear(p.last)
	p.last = nil
	if len(p.list) == 0 {
		return nil, p.err
	}
	p.last = bytes.Clone(p.list[0])
	p.list = p.list[1:]
	return p.last, nil
}

// seen is an event as tests compare it: what a client would make of it.
type seen struct {
	Name, Data string
	Partial    bool
}

// scanAll reads every event, checks that no byte is lost, and returns those
// with a name or data.
func scanAll(t *testing.T, s *Scanner, want string) (events []seen, err error) {
	t.Helper()
	var all bytes.Buffer
	for {
		ev, err := s.Next()
		if err != nil {
			if all.String() != want {
				t.Fatalf("the events' bytes are %q, the stream's %q", all.String(), want)
			}
			return events, err
		}
		all.Write(ev.Raw)
		partial := ev.Partial
		ev = Parse(ev.Raw)
		if ev.Name != nil || ev.Data != nil {
			events = append(events, seen{string(ev.Name), string(ev.Data), partial})
		}
	}
}

func TestEventScanner(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	tests := []struct {
		name, stream string
		want         []seen
	}{
		{"empty", "", nil},
		{"two events", "data: a\n\ndata: b\n\n", []seen{{"", "a", false}, {"", "b", false}}},
		{"CR LF", "data: a\r\n\r\ndata: b\r\n\r\n", []seen{{"", "a", false}, {"", "b", false}}},
		{"CR", "data: a\r\rdata: b\r\r", []seen{{"", "a", false}, {"", "b", false}}},
		{"mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\n\rdata: d\r\r\n",
			[]seen{{"", "a", false}, {"", "b", false}, {"", "c", false}, {"", "d", false}}},
		{"name", "event: message_stop\ndata: {}\n\n", []seen{{"message_stop", "{}", false}}},
		{"last name wins", "event: a\nevent: b\ndata:x\n\n", []seen{{"b", "x", false}}},
		{"no space, two spaces", "data:a\n\ndata:  b\n\n", []seen{{"", "a", false}, {"", " b", false}}},
		{"several lines", "data: a\ndata: b\ndata\ndata:d\n\n", []seen{{"", "a\nb\n\nd", false}}},
		{"field without colon", "data\n\nevent\n\n", []seen{{"", "", false}, {"", "", false}}},
		{"comments and other fields", ": ping\n\n:\nid: 7\ndata: a\nretry: 3\nx: y\n\n", []seen{{"", "a", false}}},
		{"blank lines", "\n\n\r\n\rdata: a\n\n\n\n", []seen{{"", "a", false}}},
		{"byte order mark", "\uFEFFdata: a\n\n", []seen{{"", "a", false}}},
		{"a long line", "data: " + long + "\n\ndata: b\n\n", []seen{{"", long, false}, {"", "b", false}}},
		{"no blank line at the end", "data: a\n\ndata: [DONE]\n", []seen{{"", "a", false}, {"", "[DONE]", true}}},
		{"no end of line at the end", "data: a\n\ndata: {\"x", []seen{{"", "a", false}, {"", `{"x`, true}}},
		{"a CR at the end", "data: a\r", []seen{{"", "a", true}}},
		{"almost a field", "dat: a\ndata : b\nDATA: c\n\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			readers := map[string]io.Reader{"whole": strings.NewReader(tt.stream)}
			if len(tt.stream) < 1<<10 {
				readers["bytewise"] = iotest.OneByteReader(strings.NewReader(tt.stream))
				readers["data with EOF"] = iotest.DataErrReader(strings.NewReader(tt.stream))
			} else {
				readers["halves"] = iotest.HalfReader(strings.NewReader(tt.stream))
			}
			for name, r := range readers {
				got, err := scanAll(t, newScanner(r, 0), tt.stream)
				if err != io.EOF {
					t.Errorf("%s: error %v, want EOF", name, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// TestStreamsOfSuites reads the framings that public suites know, however they come. An
// event that is cut off, or has no data, is none to a client.
func TestStreamsOfSuites(t *testing.T) {
	file, err := os.ReadFile("../../../testdata/event-streams.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Source, Case, Stream string
		Events               []struct{ Name, Data string }
	}
	if err := json.Unmarshal(file, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 15 {
		t.Fatalf("there are %d cases only", len(cases))
	}
	for _, tt := range cases {
		var want []seen
		for _, e := range tt.Events {
			want = append(want, seen{Name: e.Name, Data: e.Data})
		}
		if tt.Case == "format-bom" {
			// A mark is passed over before every event, not only before the first one: what
			// clients drop then is metered all the same, and nothing is metered less.
			want = slices.Insert(want, 1, seen{Data: "2"})
		}
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(tt.Stream), "bytewise": iotest.OneByteReader(strings.NewReader(tt.Stream)),
			"shown": &inView{pieces: pieces{list: [][]byte{[]byte(tt.Stream)}, err: io.EOF}},
		} {
			events, err := scanAll(t, newScanner(r, 0), tt.Stream)
			got := slices.DeleteFunc(events, func(e seen) bool { return e.Partial })
			if diff := cmp.Diff(want, got); diff != "" || err != io.EOF {
				t.Errorf("%s %s, %s: %v (-want +got):\n%s", tt.Source, tt.Case, name, err, diff)
			}
		}
	}
}

// Every way to cut the stream in two gives the same events.
func TestEventScannerEverySplit(t *testing.T) {
	const stream = "\uFEFF: hello\r\n\r\ndata: a\r\n\r\ndata: b\rdata: c\r\r\nevent: x\ndata:\n\n\r\ndata: [DONE]\n\n"
	want, _ := scanAll(t, newScanner(strings.NewReader(stream), 0), stream)
	for i := range len(stream) + 1 {
		r := &pieces{list: [][]byte{[]byte(stream[:i]), []byte(stream[i:])}, err: io.EOF}
		got, _ := scanAll(t, newScanner(r, 0), stream)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cut at %d (-want +got):\n%s", i, diff)
		}
		for j := i; j <= len(stream); j++ {
			r := &inView{pieces: pieces{list: [][]byte{[]byte(stream[:i]), []byte(stream[i:j]), []byte(stream[j:])}, err: io.EOF}}
			got, err := scanAll(t, newScanner(r, 0), stream)
			if diff := cmp.Diff(want, got); diff != "" || err != io.EOF {
				t.Errorf("shown, cut at %d and %d, %v (-want +got):\n%s", i, j, err, diff)
			}
		}
	}
}

// Where the reader shows whole events there is no buffer, and none is kept for one
// of long ago that did not come whole.
func TestEventScannerLooks(t *testing.T) {
	small := []byte("data: " + strings.Repeat("s", 250) + "\n\n")
	large := []byte("data: " + strings.Repeat("l", 1<<20) + "\n\n")
	r := &inView{pieces: pieces{err: io.EOF}}
	for range 3 * calmEvents {
		r.list = append(r.list, small)
	}
	s := newScanner(r, 0)
	scanned := func(events int) {
		t.Helper()
		for range events {
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if scanned(calmEvents); len(s.own) > 0 || r.reads > 0 {
		t.Errorf("%d bytes of a buffer, %d reads for events that were shown", len(s.own), r.reads)
	}
	r.list = append([][]byte{large[:1000], large[1000:]}, r.list...)
	if scanned(1); len(s.own) < len(large) {
		t.Errorf("%d bytes of a buffer for an event that came in parts", len(s.own))
	}
	if scanned(calmEvents + 1); len(s.own) > 0 {
		t.Errorf("%d bytes of a buffer are kept", len(s.own))
	}
}

// An event is there as soon as its last byte is: the scanner does not read on
// to see whether an LF follows, or to fill its buffer.
func TestEventScannerDoesNotWait(t *testing.T) {
	for _, event := range []string{"data: a\n\n", "data: a\r\n\r\n", "data: a\r\r", "data: a\r\n\r", ": ping\n\n"} {
		r := &pieces{list: [][]byte{[]byte(event)}, err: errors.New("waited")}
		ev, err := newScanner(r, 0).Next()
		if err != nil || string(ev.Raw) != event || r.reads != 1 {
			t.Errorf("%q: got %q, %v after %d reads", event, ev.Raw, err, r.reads)
		}
	}
}

// The LF of a CR LF that was not waited for begins the next event, and is no
// event of its own unless nothing follows.
func TestEventScannerLateLineFeed(t *testing.T) {
	r := &pieces{list: [][]byte{[]byte("data: a\r\n\r"), []byte("\ndata: b\r\n\r"), []byte("\n")}, err: io.EOF}
	s := newScanner(r, 0)
	for _, want := range []string{"data: a\r\n\r", "\ndata: b\r\n\r", "\n"} {
		ev, err := s.Next()
		if err != nil || string(ev.Raw) != want || ev.Partial {
			t.Errorf("got %q, partial %v, %v, want %q", ev.Raw, ev.Partial, err, want)
		}
	}
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("error %v, want EOF", err)
	}
}

func TestEventScannerBuffered(t *testing.T) {
	r := &pieces{list: [][]byte{[]byte("data: a\n\ndata: b\n\ndata: c")}, err: io.EOF}
	s := newScanner(r, 0)
	var got []bool
	for range 2 {
		ev, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		raw := string(ev.Raw)
		got = append(got, s.Buffered())
		if string(ev.Raw) != raw {
			t.Errorf("Buffered changed the event to %q", ev.Raw)
		}
	}
	if diff := cmp.Diff([]bool{true, false}, got); diff != "" || r.reads != 1 {
		t.Errorf("after %d reads (-want +got):\n%s", r.reads, diff)
	}
}

func TestEventScannerTooLarge(t *testing.T) {
	for _, bytesMax := range []int{16, 5000} { // smaller and larger than the buffer
		fits := "data: " + strings.Repeat("x", bytesMax-8) + "\n\n"
		s := newScanner(strings.NewReader(fits+"x"+fits), bytesMax)
		if ev, err := s.Next(); err != nil || string(ev.Raw) != fits {
			t.Fatalf("an event of %d bytes: %q, %v", bytesMax, ev.Raw, err)
		}
		ev, err := s.Next()
		if err != nil || !ev.Partial || len(ev.Raw) != bytesMax {
			t.Fatalf("a larger one: %d bytes, partial %v, %v", len(ev.Raw), ev.Partial, err)
		}
		for range 2 {
			if _, err := s.Next(); err != ErrTooLarge {
				t.Fatalf("error %v, want %v", err, ErrTooLarge)
			}
		}
	}
}

func TestEventScannerReadError(t *testing.T) {
	reset := errors.New("connection reset")
	r := &pieces{list: [][]byte{[]byte("data: a\n\ndata: {")}, err: reset}
	got, err := scanAll(t, newScanner(r, 0), "data: a\n\ndata: {")
	want := []seen{{"", "a", false}, {"", "{", true}}
	if diff := cmp.Diff(want, got); diff != "" || err != reset {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	_, err = newScanner(&pieces{list: make([][]byte, 1000)}, 0).Next()
	if err != io.ErrNoProgress {
		t.Errorf("a reader of nothing: %v, want %v", err, io.ErrNoProgress)
	}
}

// The buffer follows the events: small, large for a large one, small again.
func TestEventScannerBufferSize(t *testing.T) {
	var list [][]byte
	small := []byte("data: " + strings.Repeat("s", 250) + "\n\n")
	for range 50 {
		list = append(list, small)
	}
	list = append(list, []byte("data: "+strings.Repeat("l", 1<<20)+"\n\n"))
	for range 50 {
		list = append(list, small)
	}
	s := newScanner(&pieces{list: list, err: io.EOF}, 0)
	var sizes []int
	for {
		ev, err := s.Next()
		if err != nil {
			break
		}
		if n := len(s.buf); len(sizes) == 0 || sizes[len(sizes)-1] != n {
			sizes = append(sizes, n)
		}
		_ = ev
	}
	if diff := cmp.Diff([]int{scanBytesMin, 2 << 20, scanBytesMin}, sizes); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
}

func TestEventScannerReset(t *testing.T) {
	s := newScanner(strings.NewReader("data: a\n\ndata: left behind"), 0)
	s.Next()
	s.Buffered()
	s.Reset(strings.NewReader("data: b\n\n"))
	got, err := scanAll(t, s, "data: b\n\n")
	if diff := cmp.Diff([]seen{{"", "b", false}}, got); diff != "" || err != io.EOF {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// hoard is a reader that has some pieces there and fails the test when it is
// asked for more.
type hoard struct {
	t      *testing.T
	pieces []string
}

func (h *hoard) Ready() bool { return len(h.pieces) > 0 }

func (h *hoard) Read(p []byte) (int, error) {
	if len(h.pieces) == 0 {
		h.t.Error("it reads where nothing is ready")
		return 0, io.EOF
	}
	n := copy(p, h.pieces[0])
	if h.pieces[0] = h.pieces[0][n:]; h.pieces[0] == "" {
		h.pieces = h.pieces[1:]
	}
	return n, nil
}

func TestMoreReadsWhatIsReady(t *testing.T) {
	h := &hoard{t, []string{"data: 1\n\nda", "ta: 2\n", "\n", "data: " + strings.Repeat("x", 3*scanBytesMin) + "\n\n", "data: 4\n"}}
	s := newScanner(h, 0)
	for range 3 {
		if !s.More() {
			t.Fatal("there is no more, with an event that is ready")
		}
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if s.More() {
		t.Error("half an event is said to be more")
	}
	s.Reset(strings.NewReader("data: 5\n\n"))
	if s.More() {
		t.Error("it reads from a reader that cannot tell whether that waits")
	}
}

func FuzzEventScanner(f *testing.F) {
	f.Add([]byte("data: a\r\n\r\ndata: b\n\n: c\r\rdata: d"), uint16(3), uint16(9))
	f.Add([]byte("\uFEFFdata: a\ndata: b\r\r\n\n\revent: e\n\n"), uint16(1), uint16(17))
	f.Fuzz(func(t *testing.T, stream []byte, i, j uint16) {
		want, err := scanAll(t, newScanner(bytes.NewReader(stream), 0), string(stream))
		if err != io.EOF {
			t.Fatalf("error %v, want EOF", err)
		}
		a := min(int(i), len(stream))
		b := min(a+int(j), len(stream))
		r := &pieces{list: [][]byte{stream[:a], stream[a:b], stream[b:]}, err: io.EOF}
		got, _ := scanAll(t, newScanner(r, 0), string(stream))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("cut at %d and %d (-want +got):\n%s", a, b, diff)
		}
		r = &pieces{list: [][]byte{stream}, err: io.EOF}
		looked := &inView{pieces: pieces{list: [][]byte{stream[:a], stream[a:b], stream[b:]}, err: io.EOF}}
		if got, _ = scanAll(t, newScanner(looked, 0), string(stream)); !cmp.Equal(want, got) {
			t.Fatalf("shown, cut at %d and %d: %v, want %v", a, b, got, want)
		}
		if len(stream) < 1<<12 {
			scanAll(t, newScanner(r, 16), string(stream[:scannable(stream, 16)]))
		}
	})
}

// scannable returns how much of a stream a scanner reads that accepts events of
// at most so many bytes.
func scannable(stream []byte, bytesMax int) (n int) {
	s := newScanner(bytes.NewReader(stream), bytesMax)
	for {
		ev, err := s.Next()
		if err != nil {
			return n
		}
		n += len(ev.Raw)
	}
}

func BenchmarkScanner(b *testing.B) {
	const events = 1000
	event := `data: {"id":"chatcmpl-8f14e45fceea167a5a36dedd4bea2543","choices":[{"index":0,"delta":{"content":" token"}}]}` + "\n\n"
	stream := strings.Repeat(event, events)
	s := newScanner(nil, 0)
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for n := 0; n < b.N; {
		s.Reset(strings.NewReader(stream))
		for ; n < b.N; n++ {
			if _, err := s.Next(); err != nil {
				break
			}
		}
	}
}

// TestEventScannerBound: a buffer is made only where there is room for it, and a stream
// whose event needs more ends with what has come of it.
func TestEventScannerBound(t *testing.T) {
	small, large := "data: 1\n\n", "data: "+strings.Repeat("x", 5000)+"\n\n"
	for room, want := range map[int][]string{
		0:    nil,
		1024: {small, small},
		4096: {small, small},
		8192: {small, small, large, small},
	} {
		s := newScanner(iotest.OneByteReader(strings.NewReader(small+small+large+small)), 0)
		var asked []int
		s.Bound(func(n int) bool { asked = append(asked, n); return n <= room })
		var got []string
		ev, err := s.Next()
		for ; err == nil && !ev.Partial; ev, err = s.Next() {
			got = append(got, string(ev.Raw))
		}
		if !slices.Equal(got, want) || s.Held() > room {
			t.Errorf("with room for %d bytes, %d events came, want %d; %d bytes are held", room, len(got), len(want), s.Held())
		}
		for err == nil {
			_, err = s.Next()
		}
		if wanted := map[bool]error{true: io.EOF, false: ErrNoRoom}[room == 8192]; err != wanted {
			t.Errorf("with room for %d bytes, the end is %v, want %v (asked for %v)", room, err, wanted, asked)
		}
	}
}
