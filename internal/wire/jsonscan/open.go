package jsonscan

// OpenNames returns how many names have to be remembered at once, and their bytes, so that one is
// found that an object of body has twice: what that takes is a multiple of a body that consists
// of names. Of each depth the largest object counts, for what was remembered of it is kept for
// the next. Body may be anything; of what is no JSON the numbers are not too small for what a
// decoder reads of it.
func OpenNames(body []byte) (names, bytes int) {
	var at openCount
	for i := 0; i < len(body); {
		switch body[i] {
		case '{', '[':
			at.enter()
		case '}', ']':
			at.leave()
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

// quotedEnd returns where a string ends that has begun before body[i].
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

// openCount counts names. What is deeper than bodies may be is one object to it.
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

func (o *openCount) leave() { o.depth = max(0, o.depth-1) }

func (o *openCount) name(bytes int) {
	d := min(o.depth, NestingMax)
	object, most := &o.objects[d], &o.most[d]
	object.names++
	object.bytes += bytes
	o.names += max(0, object.names-most.names)
	o.bytes += max(0, object.bytes-most.bytes)
	*most = nameCount{max(most.names, object.names), max(most.bytes, object.bytes)}
}
