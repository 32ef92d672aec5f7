package binding

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// Bounds on a file, beside BytesMax. They are far above what a configuration needs, and keep the
// YAML library within time and stack: its work grows with the square of the nesting and of the keys
// of a map that is not in braces, and it recurses with both. Lists cost what they are long.
const (
	NestingMax = 64
	MapKeysMax = 10_000    // of a map
	mapWorkMax = 200 << 20 // over all maps: half of the square of its keys, for each
	nodesMax   = 1_000_000 // with aliases expanded
)

var tooNested = Wrong(
	fmt.Sprintf("the file nests deeper than %d levels", NestingMax), "use fewer levels")

// bounded refuses tokens with maps of too many keys, and with brackets, or indicators in a row
// (such as `&a &a`), nested too deeply. Nesting by indentation is bounded by the size of the file.
func bounded(tokens token.Tokens, remedy string) *Mistake {
	brackets, run, line := 0, 0, 0
	column := 0 // of what begins the line, behind - and the like; 0 while there is nothing
	maps := openMaps{remedy: remedy}
	for _, t := range tokens {
		if t.Position.Line != line {
			run, line, column = 0, t.Position.Line, 0
		}
		if column == 0 && t.Type != token.SequenceEntryType {
			column = t.Position.Column
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.MappingValueType:
			if brackets == 0 {
				maps.key(column)
			}
		case token.DocumentHeaderType, token.DocumentEndType:
			maps.key(0)
		case token.SequenceEntryType:
			maps.item(t.Position.Column)
			run++
		case token.MappingKeyType, token.AnchorType, token.TagType, token.AliasType:
			run++
		case token.CollectEntryType:
			run = 0
		}
		if max(brackets, run) > NestingMax {
			return tooNested
		}
		if m := maps.tooMany(); m != nil {
			return m
		}
	}
	return nil
}

// openMaps counts the keys of the maps in which a file is, the outermost first: a key
// further to the left ends those that are further to the right.
type openMaps struct {
	open   []openMap
	work   int // that the library has with all maps so far
	remedy string
}

type openMap struct{ column, keys int }

// key notes a key of the map in a column.
func (m *openMaps) key(column int) {
	m.item(column)
	last := len(m.open) - 1
	if last < 0 || m.open[last].column < column {
		m.open = append(m.open, openMap{column: column})
		last++
	}
	m.open[last].keys++
	m.work += m.open[last].keys
}

// item notes an item of a list in a column, which ends the maps behind it.
func (m *openMaps) item(column int) {
	for last := len(m.open) - 1; last >= 0 && m.open[last].column > column; last-- {
		m.open = m.open[:last]
	}
}

// tooMany returns what is too much, or nil.
func (m *openMaps) tooMany() *Mistake {
	switch last := len(m.open) - 1; {
	case last >= 0 && m.open[last].keys > MapKeysMax:
		return Wrong(fmt.Sprintf("a map of the file has more than %d keys", MapKeysMax), m.remedy)
	case m.work > mapWorkMax:
		return Wrong("the maps of the file have too many keys together", m.remedy)
	}
	return nil
}
