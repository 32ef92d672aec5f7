package jsonscan

// The functions of this file pass over values that nobody reads. They work on places, not on the
// state of the cursor: that halves the cost.

// valueEnd returns the end of the value at i, or behind the white space there; 0 if there is no
// value. depth is how many objects and arrays it is in.
func (c *Cursor) valueEnd(i, depth int) int {
	i, b := nextByte(c.Text, i)
	switch {
	case b == '"':
		end, _ := c.stringEnd(i + 1)
		return end
	case b == '{' && depth < NestingMax:
		return c.objectEnd(i+1, depth+1)
	case b == '[' && depth < NestingMax:
		return c.insideEnd(i+1, depth+1, ']')
	case b == '-' || IsDigit(b):
		return NumberEnd(c.Text, i)
	}
	return literalEnd(c.Text, i)
}

// objectEnd returns the end of the object whose brace is before i; 0 if it is none.
func (c *Cursor) objectEnd(i, depth int) int {
	if c.Names == nil {
		return c.insideEnd(i, depth, '}')
	}
	c.Names.enter()
	end := c.insideEnd(i, depth, '}')
	c.Names.exit()
	return end
}

// insideEnd returns the end of the object or array that has begun before i and ends with last; 0
// if it is none. Its caller sees to Names.
func (c *Cursor) insideEnd(i, depth int, last byte) int {
	i, b := nextByte(c.Text, i)
	if b == last {
		return i + 1
	}
	for {
		if last == '}' {
			if _, _, i = c.nameAt(i); i == 0 {
				return 0
			}
		}
		if i = c.valueEnd(i, depth); i == 0 {
			return 0
		}
		switch i, b = nextByte(c.Text, i); b {
		case last:
			return i + 1
		case ',':
			i++
		default:
			return 0
		}
	}
}

// nameAt finds the name and the colon at i, or behind the white space there. It returns where the
// name is, in its quotes, whether it has escapes, and the place behind the colon. That is 0 if
// there is no name, or the object has it already.
func (c *Cursor) nameAt(i int) (name Extent, escaped bool, value int) {
	i, b := nextByte(c.Text, i)
	if b != '"' {
		return name, false, 0
	}
	end, escaped := c.stringEnd(i + 1)
	colon, b := nextByte(c.Text, end)
	name = Extent{i, end}
	if end == 0 || b != ':' || c.Names != nil && !c.Names.add(c.Text, name, escaped) {
		return name, escaped, 0
	}
	return name, escaped, colon + 1
}

// literalEnd returns the end of true, false or null at b[i]; 0 if there is none of them.
func literalEnd(b []byte, i int) int {
	switch rest := b[i:]; {
	case len(rest) >= 4 && (string(rest[:4]) == "true" || string(rest[:4]) == "null"):
		return i + 4
	case len(rest) >= 5 && string(rest[:5]) == "false":
		return i + 5
	}
	return 0
}

// nextByte returns the first byte of b from i on that is no white space, and where it is; 0 at
// the end.
func nextByte(b []byte, i int) (at int, next byte) {
	// One comparison, where the compiler would make two.
	for uint(i) /* #nosec G115 -- an index */ < uint(len(b)) {
		if next = b[i]; next > ' ' || !IsSpace(next) {
			return i, next
		}
		i++
	}
	return i, 0
}

// byteAt returns b[i], 0 beyond the end.
func byteAt(b []byte, i int) byte {
	if uint(i) /* #nosec G115 -- an index; a negative one is beyond the end */ < uint(len(b)) {
		return b[i]
	}
	return 0
}
