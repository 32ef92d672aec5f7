package picture

import (
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawWords writes a text, of whose marks it knows code blocks only.
func (p panel) drawWords(c draw.Canvas) {
	const high = 16
	y := vg.Length(high)
	for line := range strings.SplitSeq(p.Options.Content, "\n") {
		if strings.HasPrefix(line, "    ") {
			block(c, 0, y-high+3, width(c), high+2, background)
			write(c, 6, y, small, false, ink, strings.TrimSpace(line))
			y += high
			continue
		}
		for _, part := range wrapped(line, width(c)) {
			write(c, 0, y, small, false, ink, part)
			y += high
		}
	}
}

// wrapped breaks a paragraph into lines.
func wrapped(text string, width vg.Length) (lines []string) {
	s, line := style(small, false, ink), ""
	for word := range strings.FieldsSeq(text) {
		if longer := strings.TrimSpace(line + " " + word); s.Width(longer) <= width || line == "" {
			line = longer
			continue
		}
		lines, line = append(lines, line), word
	}
	return append(lines, line)
}
