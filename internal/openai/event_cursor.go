package openai

// nestingMax is how deeply nested a value may be; model servers stay below ten.
const nestingMax = 128

// jsonCursor reads JSON text from left to right without building anything. Its
// grammar is RFC 8259's. It does not check that strings are UTF-8, and refuses a name
// that an object has twice only where it has names.
//
// An error is sticky: the cursor stands at the end of the text, every method
// then reports that there is nothing more, and bad is set. Methods that look at
// a value stand before it, white space apart, and after it when they return.
type jsonCursor struct {
	b     []byte
	i     int
	name  extent // of the name that member returned last, in its quotes
	depth int
	first bool // an object or array has just been entered: no comma is due
	bad   bool
	lone  bool // a string had half of a surrogate pair
	names *openNames
}

func (c *jsonCursor) fail() {
	c.i, c.bad = len(c.b), true
}

// peek skips white space and returns the byte after it, 0 at the end.
func (c *jsonCursor) peek() (b byte) {
	c.i, b = nextByte(c.b, c.i)
	return b
}

// enter steps into the object or array that begins with open. It reports false,
// and skips the value, where there is something else.
func (c *jsonCursor) enter(open byte) bool {
	if c.peek() != open {
		c.skip()
		return false
	}
	return c.open()
}

// open is enter for the object or array that begins right here.
func (c *jsonCursor) open() bool {
	if c.depth++; c.depth > nestingMax {
		c.fail()
		return false
	}
	if c.names != nil && c.b[c.i] == '{' {
		c.names.enter()
	}
	c.i++
	c.first = true
	return true
}

// element reports whether the array has another element, and stands before it; else
// it steps out of the array.
func (c *jsonCursor) element() bool {
	b := c.peek()
	first := c.first
	c.first = false
	switch {
	case b == ']':
		c.i++
		c.depth--
		return false
	case first && b != 0:
		return true
	case !first && b == ',':
		c.i++
		return true
	}
	c.fail()
	return false
}

// member returns the name of the object's next member and stands before its
// value; where there is none, it steps out of the object. The name is valid until
// the text changes.
func (c *jsonCursor) member() (name []byte, ok bool) {
	b := c.b
	i, x := nextByte(b, c.i)
	switch {
	case x == '}':
		c.i, c.first = i+1, false
		c.depth--
		if c.names != nil {
			c.names.leave()
		}
		return nil, false
	case x == ',' && !c.first:
		i++
	case !c.first: // a comma is missing
		c.fail()
		return nil, false
	}
	at, escaped, value := c.nameAt(i)
	if value == 0 {
		c.fail()
		return nil, false
	}
	c.name, c.i, c.first = at, value, false
	name = b[at.start+1 : at.end-1]
	if escaped {
		name = appendUnescaped(nil, name)
	}
	return name, true
}

// skip passes over one value.
func (c *jsonCursor) skip() {
	if end := c.valueEnd(c.i, c.depth); end > 0 {
		c.i = end
		return
	}
	c.fail()
}

// value passes over one value and returns where it was.
func (c *jsonCursor) value() extent {
	c.peek()
	start := c.i
	c.skip()
	return extent{start, c.i}
}

// end reports whether only white space is left and nothing was wrong.
func (c *jsonCursor) end() bool { return c.peek() == 0 && c.i == len(c.b) && !c.bad }

// isNull reports whether the value ahead is null; it does not pass over it.
func (c *jsonCursor) isNull() bool { return c.peek() == 'n' }
