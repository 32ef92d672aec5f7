package member

import (
	"slices"
	"strings"
)

// memberSlots is how many slots a table has: some five times the members that an endpoint has, so
// that a name is mostly found, or missed, at the first look.
const memberSlots = 1024

// Table finds what reads a member by its name. A map does the same at three times the cost, and
// every member of every body is looked up.
type Table [memberSlots]slot

type slot struct {
	name string // "": the slot is empty
	Reader
	row *Row
}

// NewTable returns the table of some rows. No member is in two of them.
func NewTable(lists ...[]Row) *Table {
	t := new(Table)
	for _, list := range lists {
		for i := range list {
			for name := range strings.FieldsSeq(list[i].Names) {
				s := t.slotOf([]byte(name))
				if s.name != "" {
					panic("member: " + name + " is classified twice")
				}
				*s = slot{name, list[i].Reader, &list[i]}
			}
		}
	}
	return t
}

// Members returns what is in the table, by name.
func (t *Table) Members() []Member {
	var all []Member
	for i := range t {
		if s := &t[i]; s.name != "" {
			all = append(all, Member{s.name, s.row.Treatment, s.row.Why})
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// WhyOf returns the reason that the table has for a member, "" for one that is not in it.
func (t *Table) WhyOf(name string) string {
	if s := t.slotOf([]byte(name)); s.row != nil {
		return s.row.Why
	}
	return ""
}

// slotOf returns the slot of a name, where it is if it is known.
func (t *Table) slotOf(name []byte) *slot {
	at := 0
	if n := len(name); n > 0 {
		at = n*157 + int(name[0])*31 + int(name[n/2])*61 + int(name[n-1])*7
	}
	for ; ; at++ {
		if s := &t[at%memberSlots]; s.name == "" || s.name == string(name) {
			return s
		}
	}
}

// ReaderOf returns what reads the member called name.
func (t *Table) ReaderOf(name []byte) Reader {
	if s := t.slotOf(name); s.name != "" {
		return s.Reader
	}
	return ReadUnknown
}
