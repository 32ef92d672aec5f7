package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
)

// compressedRate is how many bytes a second of compressed audio is taken to
// have: 64 kbit/s, between a phone call and music.
const compressedRate = 8000

// audioSeconds estimates how long a recording plays that is given as base64 or
// as a data URL: exactly for WAV, by compressedRate for the rest. It is 0 for
// other URLs.
func audioSeconds(encoded []byte) float64 {
	if data, ok := bytes.CutPrefix(encoded, []byte("data:")); ok {
		_, encoded, _ = bytes.Cut(data, []byte(","))
	} else if bytes.Contains(encoded[:min(len(encoded), 16)], []byte("://")) {
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

// wavRate returns the bytes per second of a WAV file with the given header, 0 if
// it is none or is too slow to be one. Of the two ways to tell, decoders go by the
// samples; a header that says the rate wrong makes no recording shorter.
func wavRate(header []byte) float64 {
	const lowest, uncompressed = 1000, 1
	if len(header) < 36 || string(header[:4]) != "RIFF" || string(header[8:16]) != "WAVEfmt " {
		return 0
	}
	rate := float64(binary.LittleEndian.Uint32(header[28:]))
	if samples := binary.LittleEndian.Uint32(header[24:]); samples > 0 && binary.LittleEndian.Uint16(header[20:]) == uncompressed {
		bits := float64(binary.LittleEndian.Uint16(header[22:])) * float64(binary.LittleEndian.Uint16(header[34:]))
		rate = math.Min(rate, float64(samples)*bits/8)
	}
	if rate < lowest {
		return 0
	}
	return rate
}
