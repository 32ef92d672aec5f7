package picture

import (
	"bytes"
	"encoding/json"
	"image/png"
	"slices"
	"testing"
)

func TestFormat(t *testing.T) {
	one := 1
	for _, c := range []struct {
		value    float64
		unit     string
		decimals *int
		want     string
	}{
		{0, "short", nil, "0"}, {12, "short", nil, "12"}, {1234, "short", nil, "1.23 K"}, {2.5e6, "short", nil, "2.5 Mil"},
		{0.999, "percentunit", nil, "99.9%"}, {0.123456, "percentunit", &one, "12.3%"}, {0, "percentunit", nil, "0%"},
		{0.000123, "s", nil, "123 µs"}, {0.05, "s", nil, "50 ms"}, {1.5, "s", nil, "1.5 s"}, {120, "s", nil, "2 min"},
		{1536, "bytes", nil, "1.5 KiB"}, {12.34, "reqps", nil, "12.3 req/s"}, {1234567.6, "locale", nil, "1,234,568"}, {-100, "locale", nil, "-100"},
	} {
		if got := format(c.value, c.unit, c.decimals); got != c.want {
			t.Errorf("%v in %s is %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

// answers are of two models, and of one that has no number.
func answers(t *testing.T) (a []Answer) {
	t.Helper()
	text := `[{"expr": "a", "legend": "{{model}}", "result": [
		{"metric": {"model": "x"}, "values": [[1, "1"], [2, "3"]]},
		{"metric": {"model": "w"}, "values": [[1, "NaN"], [2, "2"]]},
		{"metric": {"model": "none"}, "values": [[1, "NaN"]]}]},
	  {"expr": "b", "legend": "b", "result": [{"metric": {"model": "x"}, "values": [[2, "0.5"]]}]}]`
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTable: values of one set of labels come into one row, the greatest first.
func TestTable(t *testing.T) {
	var p panel
	if err := json.Unmarshal([]byte(`{"type": "table", "options": {"sortBy": [{"displayName": "A"}]},
		"transformations": [{"id": "organize", "options": {"indexByName": {"model": 0, "Value #A": 1, "Value #B": 2},
			"renameByName": {"model": "Model", "Value #A": "A", "Value #B": "B"}}}],
		"fieldConfig": {"overrides": [{"matcher": {"id": "byName", "options": "B"}, "properties": [{"id": "unit", "value": "percentunit"}]}]}}`), &p); err != nil {
		t.Fatal(err)
	}
	found, err := all(answers(t))
	if err != nil {
		t.Fatal(err)
	}
	heads, rows := p.table(found)
	var got []string
	for _, row := range rows {
		for _, c := range row {
			got = append(got, c.text)
		}
	}
	if !slices.Equal(heads, []string{"Model", "A", "B"}) || !slices.Equal(got, []string{"x", "3", "50%", "w", "2", ""}) {
		t.Errorf("%q\n%q", heads, got)
	}
}

// TestRuns: a line has gaps where Prometheus had nothing to say.
func TestRuns(t *testing.T) {
	s := series{points: []point{{1, 1}, {2, 1}, {3, 1}, {6, 1}, {7, 1}}}
	if runs := s.runs(); len(runs) != 2 || len(runs[0]) != 3 || len(runs[1]) != 2 {
		t.Errorf("the runs are %v", runs)
	}
}

// TestDraw draws one panel of each kind, and sees ink in it; and none in one without an answer.
func TestDraw(t *testing.T) {
	const rest = `"gridPos": {"x": 0, "y": 0, "w": 8, "h": 6}, "title": "T", "options": {"sortBy": [{"displayName": "A"}], "content": "words"},
		"transformations": [{"id": "organize", "options": {"indexByName": {"Value #A": 0}, "renameByName": {"Value #A": "A"}}}],
		"fieldConfig": {"defaults": {"mappings": [{"options": {"1": {"text": "one", "color": "green"}, "3": {"text": "three", "color": "red"}}}],
			"thresholds": {"steps": [{"value": null, "color": "green"}]}}}}]}`
	for _, kind := range []string{"stat", "timeseries", "state-timeline", "table", "text"} {
		board := []byte(`{"title": "D", "panels": [{"id": 7, "type": "` + kind + `", ` + rest)
		full, empty := pixels(t, board, map[int][]Answer{7: answers(t)}), pixels(t, board, nil)
		if kind != "text" && full == empty {
			t.Errorf("%s shows the same with answers and without", kind)
		}
		if blank := pixels(t, []byte(`{"title": "D", "panels": [{"id": 7, "type": "row", `+rest), nil); full == blank {
			t.Errorf("%s shows nothing", kind)
		}
	}
	if _, err := Draw([]byte(`{"panels": [{"id": 7, "type": "canvas", `+rest), map[int][]Answer{7: answers(t)}); err == nil {
		t.Error("a panel that nobody draws is no error")
	}
}

// pixels returns a picture's, as text.
func pixels(t *testing.T, board []byte, a map[int][]Answer) string {
	t.Helper()
	drawn, err := Draw(board, a)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(drawn))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, bl, _ := img.At(x, y).RGBA()
			b.Write([]byte{byte(r >> 8), byte(g >> 8), byte(bl >> 8)})
		}
	}
	return b.String()
}

// TestShows: a picture is told from one of another dashboard, and what is not drawn makes no other.
func TestShows(t *testing.T) {
	board := func(title, description string) []byte {
		return []byte(`{"title": "D", "panels": [{"id": 1, "type": "row", "title": "` + title + `", "description": "` + description + `"}]}`)
	}
	drawn, err := Draw(board("A", "a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !Shows(drawn, board("A", "b")) || Shows(drawn, board("B", "a")) || Shows(nil, board("A", "a")) {
		t.Error("pictures are not told from each other")
	}
	if _, err := png.Decode(bytes.NewReader(drawn)); err != nil {
		t.Error(err)
	}
}
