package openai

// memberSlots is how many slots a table has: some five times the members that an endpoint has, so
// that a name is mostly found, or missed, at the first look.
const memberSlots = 1024

// memberTable finds what reads a member by its name. A map does the same at three
// times the cost, and every member of every body is looked up.
type memberTable [memberSlots]memberSlot

type memberSlot struct {
	name string // "": the slot is empty
	param
	row *row
}

// slotOf returns the slot of a name, where it is if it is known.
func (t *memberTable) slotOf(name []byte) *memberSlot {
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

// paramOf returns what reads the member called name.
func (t *memberTable) paramOf(name []byte) param {
	if s := t.slotOf(name); s.name != "" {
		return s.param
	}
	return paramUnknown
}
