package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
)

// compressedRate is how many bytes a second of compressed audio is taken to
// have: 64 kbit/s, between a phone call and music.
const compressedRate = 8000

// media reads a member of a part, and reports whether it is a picture, a video
// or a recording. Such data counts by number, never as text: it may be
// megabytes of base64.
func (p *parse) media(name []byte) bool {
	switch string(name) {
	case "image_url", "image", "image_pil", "image_embeds", "source":
		return p.mediaItem(1)
	case "video_url", "video":
		return p.mediaItem(videoFrames)
	case "input_audio", "audio_url", "audio_embeds":
		return p.audio()
	}
	p.skip()
	return false
}

// mediaItem reads something that counts as so many images, unless it is null.
func (p *parse) mediaItem(images int64) bool {
	if p.isNull() {
		p.skip()
		return false
	}
	p.in.images += images
	p.skip()
	return true
}

// audio reads a recording: a URL or base64 data, or an object with one of them.
func (p *parse) audio() bool {
	switch p.peek() {
	case 'n':
		p.skip()
		return false
	case '"':
		p.recording()
	case '{':
		p.enter('{')
		for name, ok := p.member(); ok; name, ok = p.member() {
			if s := string(name); (s == "data" || s == "url") && p.peek() == '"' {
				p.recording()
			} else {
				p.skip()
			}
		}
	default:
		p.skip()
	}
	p.in.audioParts++
	return true
}

func (p *parse) recording() {
	encoded, _ := p.jsonCursor.str()
	p.in.audioSeconds += audioSeconds(encoded)
}

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
// it is none or is too slow to be one.
func wavRate(header []byte) float64 {
	const lowest = 1000
	if len(header) < 32 || string(header[:4]) != "RIFF" || string(header[8:16]) != "WAVEfmt " {
		return 0
	}
	rate := binary.LittleEndian.Uint32(header[28:])
	if rate < lowest {
		return 0
	}
	return float64(rate)
}
