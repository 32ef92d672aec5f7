package request

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
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

// urlMax is the length of the longest URL that is not text: twice the bytes that the declared
// price of a picture has tokens.
const urlMax = 2048

// isReference reports whether s is what a model server gets media from: a URL, or data in base64,
// where plain says that it may stand for itself. Whatever name a text is hidden under, it is none
// of these as soon as it has a space, or is long.
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

// isData reports whether s is a data URL. The scheme of a URL has no case (RFC 3986, section 3.1).
func isData(s []byte) bool {
	const scheme = "data:"
	return len(s) >= len(scheme) && strings.EqualFold(string(s[:len(scheme)]), scheme)
}

// isURL reports whether s has only characters that a URL may have, and some that many take for
// such.
func isURL(s []byte) bool {
	for _, b := range s {
		if b <= ' ' || b >= 0x7f || b == '"' || b == '\\' || b == '<' || b == '>' {
			return false
		}
	}
	return true
}

// base64Bytes are the characters of both alphabets of base64, and the comma between the pictures
// of a video.
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

// compressedRate is how many bytes a second of compressed audio is taken to have: 64 kbit/s,
// between a phone call and music.
const compressedRate = 8000

// audioSeconds estimates how long a recording plays that is given as base64 or as a data URL:
// exactly for WAV, by compressedRate for the rest. It is 0 for other URLs; what is too long for
// one is data, whatever it begins with.
func audioSeconds(encoded []byte) float64 {
	if isData(encoded) {
		_, encoded, _ = bytes.Cut(encoded, []byte(","))
	} else if head := encoded[:min(len(encoded), 16)]; len(encoded) <= urlMax &&
		bytes.Contains(head, []byte("://")) {
		return 0
	}
	size := base64.StdEncoding.DecodedLen(len(encoded))
	var header [wavHeader]byte
	n, _ := base64.StdEncoding.Decode(header[:], encoded[:min(len(encoded), wavHeader/3*4)])
	if rate := wavRate(header[:n]); rate > 0 {
		return float64(max(size-wavHeader, 0)) / rate
	}
	return float64(size) / compressedRate
}

// wavHeader is the length of the usual header of a WAV file in bytes, rounded up to what base64
// encodes without padding.
const wavHeader = 45

// The formats of WAV files whose samples are not compressed.
const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xFFFE // one of the two, as a rule
)

// wavRate returns the bytes per second of an uncompressed WAV file with the given header, 0 if it
// is none. Decoders go by the samples, and by nothing else that a header says of the rate: so a
// wrong one makes no recording shorter. Of the two sizes that it tells of a sample the smaller
// one counts, or the one that there is.
func wavRate(header []byte) float64 {
	if len(header) < 36 || string(header[:4]) != "RIFF" || string(header[8:16]) != "WAVEfmt " {
		return 0
	}
	short := func(at int) float64 { return float64(binary.LittleEndian.Uint16(header[at:])) }
	switch binary.LittleEndian.Uint16(header[20:]) {
	case wavPCM, wavFloat, wavExtensible:
	default:
		return 0
	}
	sample, block := short(22)*short(34)/8, short(32)
	if sample == 0 || block > 0 && block < sample {
		sample = block
	}
	return float64(binary.LittleEndian.Uint32(header[24:])) * sample
}
