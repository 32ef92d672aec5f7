package request

import "strings"

const (
	// droppedBytesMax is how long the list of members that were left out may get.
	droppedBytesMax = 512
	// droppedNameMax is the longest name in it.
	droppedNameMax = 64
	// droppedMore stands for names that are not shown.
	droppedMore = "..."
)

// dropped is the names of members that were left out, as a header field tells them. It is
// bounded, and has nothing but tokens of RFC 9110 (section 5.6.2): names come from clients. The
// zero value is no names.
type dropped struct {
	names  strings.Builder
	isMore bool
}

// add adds a name.
func (d *dropped) add(name string) {
	d.isMore = d.isMore || !isToken(name) || d.names.Len()+len(name) > droppedBytesMax
	if d.isMore {
		return
	}
	d.append(name)
}

func (d *dropped) append(name string) {
	if d.names.Len() > 0 {
		d.names.WriteString(", ")
	}
	d.names.WriteString(name)
}

// String returns the names, separated by commas.
func (d *dropped) String() string {
	if d.isMore {
		d.append(droppedMore)
		d.isMore = false
	}
	return d.names.String()
}

// isToken reports whether a name is a token that is short enough to be shown.
func isToken(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return name != "" && len(name) <= droppedNameMax
}
