package jsonscan

// OpenNames returns how many names a decoder must remember at once to find one that an object of
// body has twice, and how many bytes they have. Of each depth the largest object counts, because a
// decoder keeps its memory for the next one. Body may be any bytes: of text that is no JSON, the
// numbers are at least those of what a decoder reads.
func OpenNames(body []byte) (names, bytes int) {
	var at openCount
	for i := 0; i < len(body); {
		switch body[i] {
		case '{', '[':
			at.enter()
		case '}', ']':
			at.exit()
		case '"':
			end := quotedEnd(body, i+1)
			next := SkipSpace(body, end)
			if next < len(body) && body[next] == ':' {
				at.name(end - i)
			}
			i = end
			continue
		}
		i++
	}
	return at.names, at.bytes
}

// quotedEnd returns the end of the string that has begun before body[i].
func quotedEnd(body []byte, i int) int {
	for i = PlainEnd(body, i); i < len(body); i = PlainEnd(body, i) {
		switch body[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
		i++
	}
	return len(body)
}

// openCount counts names. Everything deeper than NestingMax is one object to it.
type openCount struct {
	names, bytes int
	depth        int
	// at each depth: the object that is open, and the largest
	objects, most [NestingMax + 1]nameCount
}

type nameCount struct{ names, bytes int }

func (o *openCount) enter() {
	if o.depth++; o.depth < NestingMax {
		o.objects[o.depth] = nameCount{}
	}
}

func (o *openCount) exit() { o.depth = max(0, o.depth-1) }

func (o *openCount) name(bytes int) {
	d := min(o.depth, NestingMax)
	object, most := &o.objects[d], &o.most[d]
	object.names++
	object.bytes += bytes
	o.names += max(0, object.names-most.names)
	o.bytes += max(0, object.bytes-most.bytes)
	*most = nameCount{max(most.names, object.names), max(most.bytes, object.bytes)}
}
