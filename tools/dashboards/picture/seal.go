package picture

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
)

// afterHeader is where the first chunk of a PNG ends, which is its header.
const afterHeader = 8 + 4 + 4 + 13 + 4

// seal says in the text of a PNG what it is a picture of.
func seal(drawn []byte, of dashboard) []byte {
	text := append([]byte("tEXt"), mark(of)...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(text)-4))
	chunk = append(chunk, text...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(text))
	return bytes.Join([][]byte{drawn[:afterHeader], chunk, drawn[afterHeader:]}, nil)
}

// mark is a text that changes with everything that is drawn of a dashboard, and with nothing else.
func mark(of dashboard) []byte {
	text, err := json.Marshal(of)
	if err != nil {
		panic(err) // it came from JSON
	}
	return fmt.Appendf(nil, "Dashboard\x00%x", sha256.Sum256(text))
}

// Shows reports whether a picture that Draw has made shows the dashboard of which text is the JSON,
// as it is now.
func Shows(drawn, text []byte) bool {
	var d dashboard
	return json.Unmarshal(text, &d) == nil && bytes.Contains(drawn, mark(d))
}
