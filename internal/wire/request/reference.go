package request

import (
	"bytes"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// frames returns how many pictures a video is that has each of them behind a comma of its own
// (data:video/jpeg), of which vLLM takes all; one of another video.
func frames(s []byte) int64 {
	if !isData(s) {
		return 1
	}
	return int64(bytes.Count(s, []byte{','}))
}

// urlMax is the length of the longest URL that is not text: twice the bytes that the
// declared price of a picture has tokens.
const urlMax = 2048

// isReference reports whether s is what a model server gets media from: a URL, or data in
// base64, where plain says that it may stand for itself. Whatever name a text is hidden
// under, it is none of these as soon as it has a space, or is long.
func isReference(s []byte, plain bool) bool {
	switch {
	case len(s) <= urlMax && isURL(s):
		return true
	case isData(s):
		_, data, found := bytes.Cut(s, []byte(";base64,"))
		return found && isBase64(data)
	}
	return plain && isBase64(s)
}

// isData reports whether s is a data URL. The scheme of a URL has no case (RFC 3986,
// section 3.1).
func isData(s []byte) bool {
	const scheme = "data:"
	return len(s) >= len(scheme) && strings.EqualFold(string(s[:len(scheme)]), scheme)
}

// isURL reports whether s has only characters that a URL may have, and some that many take
// for such.
func isURL(s []byte) bool {
	for _, b := range s {
		if b <= ' ' || b >= 0x7f || b == '"' || b == '\\' || b == '<' || b == '>' {
			return false
		}
	}
	return true
}

// base64Bytes are the characters of both alphabets of base64, and the comma between the
// pictures of a video.
var base64Bytes = jsonscan.ByteSet(
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=,")

// isBase64 reports whether s has no other characters.
func isBase64(s []byte) bool {
	for _, b := range s {
		if !base64Bytes[b] {
			return false
		}
	}
	return true
}
