package jsonscan

// NestingMax is how deeply nested a value may be; model servers stay below ten.
const NestingMax = 128

// Cursor reads JSON text from left to right without building anything. Its grammar is RFC 8259's.
// It does not check that strings are UTF-8, and refuses a name that an object has twice only
// where it has Names. Where only Text is set, it stands at the beginning.
//
// An error is sticky: the cursor then stands at the end of the text, every method reports that
// there is nothing more, and Bad is set. Methods that look at a value stand before it, white
// space apart, and behind it when they return. A Cursor is for one goroutine.
type Cursor struct {
	Text  []byte // which it never changes
	At    int    // where it stands
	Name  Extent // of the name that Member returned last, in its quotes
	Bad   bool   // the text is no JSON, or nested too deep
	Lone  bool   // a string had half of a surrogate pair
	Names *Names // nil: a name may be in an object twice

	depth int
	first bool // an object or array has just been entered: no comma is due
}

// Fail makes the text bad: there is nothing more to read.
func (c *Cursor) Fail() {
	c.At, c.Bad = len(c.Text), true
}

// Peek skips white space and returns the byte after it, 0 at the end.
func (c *Cursor) Peek() (b byte) {
	c.At, b = nextByte(c.Text, c.At)
	return b
}

// Enter steps into the object or array that begins with open. It reports false, and skips the
// value, where there is something else.
func (c *Cursor) Enter(open byte) bool {
	if c.Peek() != open {
		c.Skip()
		return false
	}
	return c.Open()
}

// Open is enter for the object or array that begins right here.
func (c *Cursor) Open() bool {
	if c.depth++; c.depth > NestingMax {
		c.Fail()
		return false
	}
	if c.Names != nil && c.Text[c.At] == '{' {
		c.Names.enter()
	}
	c.At++
	c.first = true
	return true
}

// First steps into the object ahead and returns the name of its first member, as Member does. It
// reports false, and skips the value, where there is something else.
func (c *Cursor) First() (name []byte, ok bool) {
	if !c.Enter('{') {
		return nil, false
	}
	return c.Member()
}

// Element reports whether the array has another element, and stands before it; else it steps out
// of the array.
func (c *Cursor) Element() bool {
	b := c.Peek()
	first := c.first
	c.first = false
	switch {
	case b == ']':
		c.At++
		c.depth--
		return false
	case first && b != 0:
		return true
	case !first && b == ',':
		c.At++
		return true
	}
	c.Fail()
	return false
}

// Member returns the name of the object's next member and stands before its value; where there is
// none, it steps out of the object. The name is valid until the text changes.
func (c *Cursor) Member() (name []byte, ok bool) {
	b := c.Text
	i, x := nextByte(b, c.At)
	switch {
	case x == '}':
		c.At, c.first = i+1, false
		c.depth--
		if c.Names != nil {
			c.Names.exit()
		}
		return nil, false
	case x == ',' && !c.first:
		i++
	case !c.first: // a comma is missing
		c.Fail()
		return nil, false
	}
	at, escaped, value := c.nameAt(i)
	if value == 0 {
		c.Fail()
		return nil, false
	}
	c.Name, c.At, c.first = at, value, false
	name = b[at.Start+1 : at.End-1]
	if escaped {
		name = AppendUnescaped(nil, name)
	}
	return name, true
}

// Skip passes over one value.
func (c *Cursor) Skip() {
	if end := c.valueEnd(c.At, c.depth); end > 0 {
		c.At = end
		return
	}
	c.Fail()
}

// Value passes over one value and returns where it was.
func (c *Cursor) Value() Extent {
	c.Peek()
	start := c.At
	c.Skip()
	return Extent{start, c.At}
}

// End reports whether only white space follows and nothing was wrong.
func (c *Cursor) End() bool { return c.Peek() == 0 && c.At == len(c.Text) && !c.Bad }

// IsNull reports whether the value ahead is null; it does not pass over it.
func (c *Cursor) IsNull() bool { return c.Peek() == 'n' }

// Raw passes over the value ahead and returns its JSON text; null if there is no value.
func (c *Cursor) Raw() []byte {
	if v := c.Value(); !c.Bad {
		return v.Of(c.Text)
	}
	return Null
}
