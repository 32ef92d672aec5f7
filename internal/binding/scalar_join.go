package binding

import "github.com/goccy/go-yaml/token"

// joinScalars puts plain scalars together again that the lexer cuts at a colon: inside of a list
// that is inside of a map in braces, it takes http://a:8000 for a key and a value. By YAML 1.2
// (section 7.3.3) a colon ends a plain scalar only before white space or a flow indicator.
func joinScalars(tokens token.Tokens) token.Tokens {
	whole := make(token.Tokens, 0, len(tokens))
	var inList []bool // for every bracket or brace that is open: whether it is a bracket
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			inList = append(inList, t.Type == token.SequenceStartType)
		case token.SequenceEndType, token.MappingEndType:
			inList = inList[:max(0, len(inList)-1)]
		}
		if n := len(inList); n > 0 && inList[n-1] && cutAtColon(tokens[i:]) {
			rest := tokens[i+2]
			t = token.String(t.Value+":"+rest.Value, t.Origin+":"+rest.Origin, t.Position)
			i += 2
		}
		whole.Add(t)
	}
	return whole
}

// cutAtColon reports whether tokens begin with a plain scalar, a colon and,
// directly behind it, another plain scalar.
func cutAtColon(tokens token.Tokens) bool {
	if len(tokens) < 3 || tokens[1].Type != token.MappingValueType {
		return false
	}
	before, colon, after := tokens[0], tokens[1], tokens[2]
	return isPlain(before) && isPlain(after) && colon.Position.Line == after.Position.Line &&
		after.Position.Column == colon.Position.Column+1
}

func isPlain(t *token.Token) bool {
	return t.CharacterType == token.CharacterTypeMiscellaneous && t.Indicator == token.NotIndicator
}
