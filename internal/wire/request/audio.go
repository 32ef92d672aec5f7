package request

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
)

// compressedRate is how many bytes a second of compressed audio is taken to
// have: 64 kbit/s, between a phone call and music.
const compressedRate = 8000

// audioSeconds estimates how long a recording plays that is given as base64 or
// as a data URL: exactly for WAV, by compressedRate for the rest. It is 0 for
// other URLs; what is too long for one is data, whatever it begins with.
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

// wavHeader is the length of the usual header of a WAV file in bytes, rounded up
// to what base64 encodes without padding.
const wavHeader = 45

// The formats of WAV files whose samples are not compressed.
const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xFFFE // one of the two, as a rule
)

// wavRate returns the bytes per second of an uncompressed WAV file with the given
// header, 0 if it is none. Decoders go by the samples, and by nothing else that a
// header says of the rate: so a wrong one makes no recording shorter. Of the two sizes
// that it tells of a sample the smaller one counts, or the one that there is.
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
