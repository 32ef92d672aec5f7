package registrar

import (
	"bytes"
	"encoding/csv"
	"strings"
)

const mediaTable = "text/csv; charset=utf-8; header=present"

// table writes rows as a spreadsheet takes them (RFC 4180). The zero value is empty.
type table struct {
	buffer bytes.Buffer
}

// add adds a row.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = harmless(cell)
	}
	w := csv.NewWriter(&t.buffer)
	_ = w.Write(cells) // to memory
	w.Flush()
}

// take returns what was added since it was called before.
func (t *table) take() []byte {
	page := bytes.Clone(t.buffer.Bytes())
	t.buffer.Reset()
	return page
}

// harmless returns a text that a spreadsheet takes for no formula: names are chosen by people, and
// those who look at the table are others (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
