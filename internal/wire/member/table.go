package member

import (
	"slices"
	"strings"
)

// tableSlots is how many slots a table has: some five times the members that an endpoint has, so
// that a name is mostly found, or missed, at the first look.
const tableSlots = 1024

// Table finds the row of a member by its name. A map does the same at three times the cost, and
// every member of every body is looked up.
type Table [tableSlots]struct {
	name string // "": the slot is empty
	row  *Row
}

// newTable returns the table of some rows. No member is in two of them.
func newTable(rows []Row) *Table {
	t := new(Table)
	for i := range rows {
		for name := range strings.FieldsSeq(rows[i].Names) {
			s := &t[t.slot([]byte(name))]
			if s.row != nil {
				panic("member: " + name + " is classified twice")
			}
			s.name, s.row = name, &rows[i]
		}
	}
	return t
}

// Members returns what is in the table, by name.
func (t *Table) Members() []Member {
	var all []Member
	for _, s := range t {
		if s.row != nil {
			all = append(all, Member{s.name, s.row.Treatment, s.row.Why})
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Row returns the row of a member, the zero row for one that nobody has classified.
func (t *Table) Row(name []byte) Row {
	if row := t[t.slot(name)].row; row != nil {
		return *row
	}
	return Row{}
}

// slot returns which slot is that of a name, where it is if it is known.
func (t *Table) slot(name []byte) int {
	at := 0
	if n := len(name); n > 0 {
		at = n*157 + int(name[0])*31 + int(name[n/2])*61 + int(name[n-1])*7
	}
	for t[at%tableSlots].row != nil && t[at%tableSlots].name != string(name) {
		at++
	}
	return at % tableSlots
}
