package registrar

import (
	"bytes"
	"encoding/csv"
	"mime"
	"strings"
	"unicode/utf8"
)

const (
	mediaCSV   = "text/csv"
	mediaTable = mediaCSV + "; charset=utf-8; header=present"
)

// wantsTable reads whether the answer is wanted as a table, rather than as JSON.
func (c *call) wantsTable() (bool, error) {
	switch format := c.query.Get("format"); {
	case format == "csv":
		return true, nil
	case c.query.Has("format") && format != "json":
		return false, misused("format", "must be json or csv")
	case c.query.Has("format"):
		return false, nil
	}
	kind, _, err := mime.ParseMediaType(c.Header.Get("Accept"))
	return err == nil && kind == mediaCSV, nil
}

// table writes rows as a spreadsheet takes them (RFC 4180, but for its line ends, beside which a
// name could not keep its own). The zero value is empty.
type table struct {
	text bytes.Buffer
}

// add adds a row.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = harmless(cell)
	}
	w := csv.NewWriter(&t.text)
	_ = w.Write(cells) // to memory
	w.Flush()
}

// take returns what was added since it was called before.
func (t *table) take() []byte {
	page := bytes.Clone(t.text.Bytes())
	t.text.Reset()
	return page
}

// harmless returns a text that a spreadsheet takes for no formula: names are chosen by people, and
// those who look at the table are others (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(cell string) string {
	first, _ := utf8.DecodeRuneInString(cell)
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}
