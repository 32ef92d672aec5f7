package chars

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// markupGrowth is how many bytes JSON for web pages adds for a character of markup: it has \u003c
// for <, and the same for >, & and '.
const markupGrowth = int64(len(`\u003c`) - 1)

// isMarkup reports whether such JSON has the character escaped.
func isMarkup(b byte) bool { return b == '<' || b == '>' || b == '&' || b == '\'' }

// ASCIIGrowth returns by how many bytes JSON text is longer at the most, once it is decoded and
// written again with escapes for all that is not ASCII.
func ASCIIGrowth(raw []byte) (n int64) {
	for i, b := range raw {
		switch {
		case b >= 0xF0: // two escapes for four bytes
			n += 8
		case b >= 0xE0:
			n += 3
		// six bytes for two, or for what they decode to
		case b >= 0xC0, b == '\\' && i+1 < len(raw) && raw[i+1] == 'u':
			n += 4
		}
	}
	return n
}

// growth returns how many bytes longer a character beyond ASCII, in UTF-8, can become before it is
// cut into tokens. Many tokenizers normalise texts (NFC, NFKC); the worst character becomes eight
// letters.
func growth(char []byte) int64 {
	if lead := char[0]; lead > 0xE3 && lead < 0xEF || lead > 0xF0 {
		return 0 // Chinese characters and Korean syllables, which most of those texts consist of
	}
	r, _ := utf8.DecodeRune(char)
	if int(r) < len(growthOf) {
		return int64(growthOf[r])
	}
	return 0
}

// growthOf has that of each character up to the last that grows.
var growthOf = func() (growths [0x1F249]uint8) {
	for n, ranges := range growing {
		for characters := range strings.FieldsSeq(ranges) {
			var first, last int
			_, _ = fmt.Sscanf(characters, "%x-%x", &first, &last) // a test reads all of them
			for r := first; r <= max(first, last); r++ {
				growths[r] = uint8(n) // #nosec G115 -- at most 30
			}
		}
	}
	return growths
}()

// growing has all characters that NFC or NFKC makes longer, up to Unicode 15, by how many bytes
// that are at the most: characters and ranges of them, in hexadecimal.
var growing = [...]string{
	1: "00A8 00AF 00B4 00B8 013F-0140 0149 01C4-01C6 02D8-02DD 037A 2167 2177 247D-2487 " +
		"309B-309C 3389 33C2 33D8 FA6C FACF-FAD1 FAD5-FAD7 FB13-FB17 FB1D FB1F FB38-FB3C " +
		"FB3E FB40-FB41 FB43-FB44 FB46-FB4F FBDD FBEA-FBFB FE71 FE77 FE79 FE7B FE7D FE7F " +
		"FEF5-FEFC",
	2: "0344 0587 0675-0678 1FC1 1FCD-1FCF 1FDD-1FDF 1FED-1FEE 2189 2ADC 3200-321C " +
		"3220-3243 32C0-32CB 3358-3370 33DE-33FE 1F200-1F201",
	3: "00BC-00BE 0384-0385 0958-095F 09DC-09DD 09DF 0A33 0A36 0A59-0A5B 0A5E 0B5C-0B5D " +
		"0E33 0EB3 0EDC-0EDD 0F43 0F4D 0F52 0F57 0F5C 0F69 0F73 0F75-0F76 0F78 0F81 0F93 " +
		"0F9D 0FA2 0FA7 0FAC 0FB9 2033 2036 2150-215F 222C 222F 309F 30FF 327C-327D 32FF " +
		"3310 3314 3325-3328 3330-3331 3337 333F 3349 334B 3352 3355 337B-337E 33A7-33A8 " +
		"33C6 FB2A-FB36 FC00-FD3D FD50-FD8F FD92-FDC7 1F12A",
	4: "1D15E-1D15F 1D1BB-1D1BC",
	5: "321D-321E 33AE-33AF FDF0-FDF9 FDFC 1F240-1F248",
	6: "0F77 0F79 2034 2037 222D 2230 3303 3305-3306 3309-330B 330E-330F 3311 3318 " +
		"331C-331E 3322-3324 3329-332A 332C 332F 3335 3338-333C 333E 3340-3342 3344-3346 " +
		"334E-3350 3353 3357",
	8: "1D160-1D164 1D1BD-1D1C0",
	9: "2057 2A0C 3300-3302 3304 3308 330C-330D 3312-3313 331B 331F 3321 332D 3333 333D " +
		"3343 3348 334C-334D 3351 3354 337F",
	12: "3307 3315 3317 3319-331A 3320 332B 332E 3332 3334 3336 3347 334A 3356 FDFB",
	15: "3316",
	30: "FDFA",
}
